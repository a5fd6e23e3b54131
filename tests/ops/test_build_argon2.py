"""`deploy/build-argon2` is run as an operator runs it, in an environment that pip has just made."""

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from tests.programs import ROOT

BINDINGS = "argon2-cffi-bindings"
CAN_BE_BUILT = bool(re.search(r"\bavx2\b", Path("/proc/cpuinfo").read_text()) and shutil.which("cc"))
ASK = f"import importlib.metadata as m; d = m.distribution('{BINDINGS}'); print(d.version, d.read_text('WHEEL'))"
VERIFY = "import sys; from argon2 import PasswordHasher; print(PasswordHasher().verify(*sys.argv[1:]))"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment with argon2 as pip brings it."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pins = ["--constraint", str(ROOT / "requirements.txt"), "--only-binary", ":all:", "argon2-cffi"]
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins)
    return python


def _run(*command: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    env = os.environ | variables
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=300)


def _version_and_tags(python: Path) -> tuple[str, str]:
    version, _, wheel = _run(python, "-c", ASK).stdout.partition(" ")
    return version, wheel


def test_argon2_is_built_where_it_can_be_in_the_pinned_version_and_knows_the_old_hashes(python: Path) -> None:
    before, wheel = _version_and_tags(python)
    assert "manylinux" in wheel
    result = _run("deploy/build-argon2", python)
    version, wheel = _version_and_tags(python)
    assert version == before
    assert f"{BINDINGS}=={version} " in (ROOT / "requirements.txt").read_text()
    assert ("manylinux" not in wheel, result.stderr == "") == (CAN_BE_BUILT, CAN_BE_BUILT)
    stored = PasswordHasher().hash("plum tractor violet harbour")
    assert _run(python, "-c", VERIFY, stored, "plum tractor violet harbour").stdout == "True\n"


def test_without_a_compiler_that_works_the_one_of_pip_stays(python: Path) -> None:
    before = _version_and_tags(python)
    for compiler in ("/nonexistent/cc", "false"):
        result = _run("deploy/build-argon2", python, CC=compiler)
        assert "Argon2 stays as pip brought it" in result.stderr
        assert _version_and_tags(python) == before
