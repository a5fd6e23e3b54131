"""``make security-report``: which test proves which requirement, written into docs/security.md.

As a pytest plugin (``-p tests.security_report --proofs FILE``) this module writes down the ids that tests are marked
with; as a program it asks pytest for them, wherever in the suite they are, and renders docs/requirements.toml.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import VARIABLE

ROOT = Path(__file__).parents[1]
NO_TEST = "**no test yet**"

#: By id as tests write it, as in "ASVS 6.2.1" and "T12": the table it belongs to, and what requirements.toml says.
Requirements = dict[str, dict[str, Any]]
#: By id: the tests that prove it, as in "tests/auth/test_oauth.py::test_only_post_is_allowed".
Proofs = dict[str, list[str]]

# Ids of these forms must be in requirements.toml; sections of RFCs are free.
_OURS = re.compile(r"ASVS .*|[TBVIMDJPS][0-9]+|CVE-.*|GHSA-.*|vikunja#.*")
_GENERATED = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the program say where it wants the ids."""
    parser.addoption("--proofs", metavar="FILE", help="write the ids that tests are marked with, as JSON")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write each id with its tests."""
    Path(session.config.getoption("--proofs")).write_text(json.dumps(proofs_of(session.items)))


def proofs_of(items: list[pytest.Item]) -> Proofs:
    """Return what tests say they prove; the cases of a test, and the two databases, count as one."""
    proofs: dict[str, set[str]] = {}
    for item in items:
        name = item.nodeid.partition("[")[0]
        for marker in item.iter_markers("proves"):
            for id_ in marker.args:
                proofs.setdefault(id_, set()).add(name)
    return {id_: sorted(proofs[id_]) for id_ in proofs}


def collect(root: Path = ROOT) -> Proofs:
    """Return what the tests under ``root`` say they prove.

    Raises:
        RuntimeError: the tests cannot be collected.
    """
    with tempfile.NamedTemporaryFile("r") as file:
        options = ["--collect-only", "-q", "--rootdir", str(root), "--proofs", file.name]
        options += ["-p", "no:cacheprovider"]
        # Nothing is run, so no server is needed; naming one keeps the run from starting it. Nor is any plugin needed.
        env = {VARIABLE: "postgresql://localhost/none"} | os.environ
        env |= {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", "-p", "tests.security_report", *options]
        run = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"the tests cannot be collected:\n{run.stdout}{run.stderr}")
        proofs: Proofs = json.load(file)
    return proofs


def load(path: Path) -> Requirements:
    """Return every requirement of a requirements.toml."""
    tables = tomllib.loads(path.read_text())
    prefix = {"asvs": "ASVS "}
    return {prefix.get(t, "") + id_: {"table": t, **row} for t, rows in tables.items() for id_, row in rows.items()}


def complaints(requirements: Requirements, proofs: Proofs) -> list[str]:
    """Return, a line each, what is neither proved nor explained, and what is proved but unknown."""
    found = [f"{id_}: no test, and no reason why not" for id_ in unproved(requirements, proofs)]
    for id_, tests in sorted(proofs.items()):
        if _OURS.fullmatch(id_) and id_ not in requirements:
            found.append(f"{id_}: not in requirements.toml, but {tests[0]} says it proves it")
        elif id_ in requirements and "not_applicable" in requirements[id_]:
            found.append(f"{id_}: does not apply, but {tests[0]} says it proves it")
    return found


def unproved(requirements: Requirements, proofs: Proofs) -> list[str]:
    """Return the ids that claim to be met but have no test."""
    return [id_ for id_, row in requirements.items() if _state(id_, row, proofs) == "no test yet"]


def render(document: str, requirements: Requirements, proofs: Proofs, routes: str = "") -> str:
    """Return the document with everything between its markers written anew."""
    tables: dict[str, Callable[[], str]] = {
        "summary": lambda: _summary(requirements, proofs),
        "routes": lambda: routes,
        "asvs": lambda: _table("ASVS|Level|Requirement", "asvs", "level", requirements, proofs),
        "wire": lambda: _table("Rule|Source|Requirement", "wire", "source", requirements, proofs),
        "peer": lambda: _table("Hole|Known as|What went wrong there", "peer", "source", requirements, proofs),
    }
    return _GENERATED.sub(lambda m: f"{m[1]}\n{tables[m[2]]()}\n{m[3]}", document)


def route_table() -> str:
    """Return who may call what, from the URL map and the decorators on the views."""
    # As a plugin this module needs no application, which takes a second to load.
    import config
    from app import create_app
    from tests.routes import PUBLIC

    with tempfile.TemporaryDirectory() as instance:
        app = create_app(config.load({"INSTANCE_PATH": instance}))
    lines = ["| Path | Methods | Who |", "|---|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        view = app.view_functions[rule.endpoint]
        scope = getattr(view, "required_scope", None)
        if hasattr(view, "owner_only"):
            who = f"the person named in the path, with the scope `{scope}`"
        elif scope:
            who = f"anybody with a live access token and the scope `{scope}`, about themselves"
        elif rule.endpoint == "oauth.introspect":
            who = "a confidential client with its secret"
        elif rule.endpoint in PUBLIC or rule.endpoint == "static":
            who = "anybody"
        elif rule.rule.startswith("/api"):
            who = "anybody with a live access token, about themselves"
        else:
            who = "whoever is signed in in this browser, about themselves"
        methods = " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        lines.append(f"| `{rule.rule}` | {methods} | {who} |")
    return "\n".join(lines) + "\n"


def _summary(requirements: Requirements, proofs: Proofs) -> str:
    groups = {f"ASVS level {n}": {"table": "asvs", "level": n} for n in (1, 2, 3)}
    groups |= {"Rules of the wire": {"table": "wire"}, "Holes of others": {"table": "peer"}}
    lines = ["| | " + " | ".join(_STATES) + " |", "|---" + "|--:" * len(_STATES) + "|"]
    for name, kind in groups.items():
        states = Counter(_state(id_, row, proofs) for id_, row in requirements.items() if kind.items() <= row.items())
        lines.append(f"| {name} | " + " | ".join(str(states[state]) for state in _STATES) + " |")
    return "\n".join(lines) + "\n"


_STATES = ("proved", "no test yet", "open", "does not apply")


def _state(id_: str, row: dict[str, Any], proofs: Proofs) -> str:
    if "how" in row:
        return "proved" if id_ in proofs else "no test yet"
    return "open" if "open" in row else "does not apply"


def _table(heading: str, table: str, second: str, requirements: Requirements, proofs: Proofs) -> str:
    heads = [*heading.split("|"), "How it is met", "Tests"]
    rows = [
        (id_.removeprefix("ASVS "), str(row[second]), row["text"], *_answer(row, proofs.get(id_, [])))
        for id_, row in requirements.items()
        if row["table"] == table
    ]
    lines = (" | ".join(cell.replace("|", "\\|") for cell in cells) for cells in (heads, *rows))
    head, *body = (f"| {line} |\n" for line in lines)
    return head + "|---" * len(heads) + "|\n" + "".join(body)


def _answer(row: dict[str, Any], tests: list[str]) -> Iterator[str]:
    """Yield how a requirement is met, or why not, and the tests that show it."""
    for reason, words in (("open", "**open:** "), ("not_applicable", "does not apply: ")):
        if reason in row:
            yield words + row[reason]
            break
    else:
        yield row["how"]
    named = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests)
    yield named or (NO_TEST if "how" in row else "")


def main(arguments: list[str] | None = None, root: Path = ROOT, proofs: Proofs | None = None) -> int:
    """Write the document, or with ``--check`` only compare; return 1 with a line each for what is wrong.

    Args:
        proofs: what the tests say they prove, if that has been collected already.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.security_report", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the document is stale")
    parser.add_argument("--draft", action="store_true", help="let requirements without a test pass")
    options = parser.parse_args(arguments)
    requirements = load(root / "docs/requirements.toml")
    proofs = collect(root) if proofs is None else proofs
    path = root / "docs/security.md"
    document = path.read_text()
    rendered = render(document, requirements, proofs, route_table())
    wrong = complaints(requirements, proofs)
    if options.draft:
        wrong = [line for line in wrong if "no test, and" not in line]
    if options.check and rendered != document:
        wrong.append("docs/security.md is stale: run make security-report")
    elif not options.check:
        path.write_text(rendered)
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
