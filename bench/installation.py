"""Installs what the peers need, each into a place of its own, once for each set of pins."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.programs import INSTALLED, ROOT, WHEEL, Program


class CannotInstallError(Exception):
    """A peer cannot be measured on this machine; the text says why."""


def install(program: Program) -> None:
    """Make sure that what the program needs is there.

    Raises:
        CannotInstallError: it cannot be.
    """
    if program == WHEEL:
        _wheel("argon2-cffi-bindings", Path(program.environment["PYTHONPATH"]))
    if program.ours:
        return
    node = (program.directory / "package.json").exists()
    pins = program.directory / ("package-lock.json" if node else "requirements.txt")
    place = INSTALLED / program.directory.name
    stamp, digest = place / "installed", hashlib.sha256(pins.read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == digest):
        sys.stdout.write(f"installing {program.directory.name} …\n")
        sys.stdout.flush()
        shutil.rmtree(place, ignore_errors=True)
        try:
            _npm(program.directory, place) if node else _pip(pins, place)
        except (OSError, subprocess.SubprocessError) as error:
            raise CannotInstallError(_reason(error)) from error
        stamp.write_text(digest)


def directory(program: Program) -> Path:
    """Return where the program is started: Node looks for packages beside the source, so that is copied there."""
    if not (program.directory / "package.json").exists():
        return program.directory
    place = INSTALLED / program.directory.name
    for source in program.directory.glob("*.mjs"):
        shutil.copy(source, place)
    return place


def versions(program: Program) -> dict[str, str]:
    """Return the pinned versions of what the program is made of."""
    lock = program.directory / "package-lock.json"
    if lock.exists():
        packages = json.loads(lock.read_text())["packages"]
        return {name: packages[f"node_modules/{name}"]["version"] for name in program.names}
    lines = (program.directory / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split()[0].split("==") for line in lines if "==" in line.partition("#")[0])
    return {name: pinned[name] for name in program.names}


def _pip(pins: Path, place: Path) -> None:
    venv.create(place, with_pip=True)
    _run(str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(pins), cwd=place)


def _wheel(name: str, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    pinned = ("--constraint", str(ROOT / "requirements.txt"), "--only-binary", ":all:", "--no-deps")
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place), *pinned, name, cwd=ROOT)


def _npm(source: Path, place: Path) -> None:
    place.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, place)
    _run("npm", "ci", "--omit=dev", "--no-audit", "--no-fund", cwd=place)


def _run(*command: str, cwd: Path) -> None:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, timeout=600)


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    return said.decode(errors="replace").strip().splitlines()[-1] if said else str(error)
