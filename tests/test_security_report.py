"""docs/security.md is what the tests and the settings say, and its generator notices when it is not."""

import re
from pathlib import Path

import pytest

import config
from tests import security_report
from tests.security_report import NO_TEST, ROOT, collect, complaints, load, proofs_of, render

DOCUMENT = (ROOT / "docs/security.md").read_text()
REQUIREMENTS = """
[asvs."1.2.3"]
level = 1
text = "Doors are locked"
how = "a | lock"

[asvs."1.2.4"]
level = 2
text = "Windows are shut"
open = "glazier"

[wire.T1]
source = "RFC 1"
text = "POST"
not_applicable = "no wire"
"""
MARKED = """
import pytest

@pytest.mark.proves("ASVS 1.2.3", "RFC 1 §2")
@pytest.mark.parametrize("n", [1, 2])
def test_the_door(n): ...
"""
TEMPLATE = "Prose.\n\n<!-- begin generated: asvs -->\nold\n<!-- end generated -->\n\nMore prose.\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with a report of its own."""
    for name, text in {
        "docs/requirements.toml": REQUIREMENTS,
        "docs/security.md": TEMPLATE,
        "tests/test_house.py": MARKED,
        "pyproject.toml": '[tool.pytest]\nmarkers = ["proves(*ids): what it proves"]\n',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.proves("ASVS 8.1.1")
def test_the_committed_document_is_what_the_tests_say(
    capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    proofs = proofs_of(request.session.items) if everything(request.config) else None
    assert security_report.main(["--check"], proofs=proofs) == 0, capsys.readouterr().err


def everything(config: pytest.Config) -> bool:
    """Tell whether this run has collected the whole suite, which then need not be collected once more."""
    choices = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "last_failed")
    chosen = any(config.getoption(each, None) for each in choices)
    return not chosen and [config.invocation_params.dir / each for each in config.args] == [ROOT / "tests"]


def test_the_report_names_each_test_once_and_each_reason(project: Path) -> None:
    assert security_report.main([], project) == 0
    written = (project / "docs/security.md").read_text()
    assert "| 1.2.3 | 1 | Doors are locked | a \\| lock | `test_house.py::test_the_door` |" in written
    assert "| 1.2.4 | 2 | Windows are shut | **open:** glazier |  |" in written
    assert written.startswith("Prose.\n")
    assert written.endswith("\nMore prose.\n")
    assert "old" not in written
    assert security_report.main(["--check"], project) == 0


def test_a_stale_document_is_found_and_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert security_report.main(["--check"], project) == 1
    assert capsys.readouterr().err == "docs/security.md is stale: run make security-report\n"
    assert (project / "docs/security.md").read_text() == TEMPLATE


@pytest.mark.parametrize(
    ("proofs", "complaint"),
    [
        ({}, "ASVS 1.2.3: no test, and no reason why not"),
        ({"ASVS 1.2.3": ["a"], "ASVS 9.9.9": ["b"]}, "ASVS 9.9.9: not in requirements.toml, but b says it proves it"),
        ({"ASVS 1.2.3": ["a"], "CVE-2001-1": ["b"]}, "CVE-2001-1: not in requirements.toml, but b says it proves it"),
        ({"ASVS 1.2.3": ["a"], "T99": ["b"]}, "T99: not in requirements.toml, but b says it proves it"),
        ({"ASVS 1.2.3": ["a"], "T1": ["b"]}, "T1: does not apply, but b says it proves it"),
        ({"ASVS 1.2.3": ["a"], "RFC 6749 §6": ["b"], "ASVS 1.2.4": ["c"]}, None),
    ],
    ids=str,
)
def test_what_is_unproved_unknown_or_contradictory_is_found(
    project: Path, proofs: dict[str, list[str]], complaint: str | None
) -> None:
    found = complaints(load(project / "docs/requirements.toml"), proofs)
    assert found == ([complaint] if complaint else [])


def test_a_draft_may_lack_tests_and_says_so(project: Path) -> None:
    (project / "tests/test_house.py").write_text("def test_nothing(): ...")
    assert security_report.main(["--draft"], project) == 0
    assert f"| a \\| lock | {NO_TEST} |" in (project / "docs/security.md").read_text()
    assert security_report.main(["--check"], project) == 1


def test_tests_that_cannot_be_collected_are_no_empty_report(project: Path) -> None:
    (project / "tests/test_house.py").write_text("import nowhere")
    with pytest.raises(RuntimeError, match="nowhere"):
        collect(project)


def test_a_table_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        render("<!-- begin generated: poems -->\n<!-- end generated -->", {}, {})


def settings(tmp_path: Path) -> dict[str, object]:
    return config.load({"INSTANCE_PATH": str(tmp_path)})


@pytest.mark.proves("ASVS 7.1.1")
@pytest.mark.parametrize(
    ("variable", "name", "unit"),
    [
        ("ACCESS_TOKEN_TTL", "ACCESS_TOKEN_TTL", "minutes"),
        ("REFRESH_IDLE_DAYS", "REFRESH_IDLE", "days"),
        ("REFRESH_ABSOLUTE_DAYS", "REFRESH_ABSOLUTE", "days"),
        ("REFRESH_GRACE", "REFRESH_GRACE", "seconds"),
    ],
)
def test_the_documented_lifetimes_are_those_of_the_settings_and_have_reasons(
    tmp_path: Path, variable: str, name: str, unit: str
) -> None:
    row = re.search(rf"^\| [^|]+ \| (\d+) {unit} \| `{variable}` \| [^|]{{20,}} \|$", DOCUMENT, re.MULTILINE)
    assert row
    lifetime = settings(tmp_path)[name]
    assert lifetime == config.timedelta(**{unit: int(row[1])})


@pytest.mark.parametrize(
    "heading",
    [
        pytest.param("## Rate limits and lockout", marks=pytest.mark.proves("ASVS 6.1.1")),
        pytest.param("### Words that a password may not lean on", marks=pytest.mark.proves("ASVS 6.1.2")),
        pytest.param("## Ways to authenticate", marks=pytest.mark.proves("ASVS 6.1.3")),
        pytest.param("## Parallel sessions", marks=pytest.mark.proves("ASVS 7.1.2")),
        pytest.param("## Who may do what", marks=pytest.mark.proves("ASVS 8.1.1")),
        pytest.param("### Fields", marks=pytest.mark.proves("ASVS 8.1.2")),
        "## Threat model",
        "## Break-in attempts",
    ],
)
def test_what_has_to_be_documented_has_its_section(heading: str) -> None:
    _, found, section = DOCUMENT.partition(f"\n{heading}\n")
    assert found
    section = section.partition("\n## ")[0]
    assert len(section) > 10
