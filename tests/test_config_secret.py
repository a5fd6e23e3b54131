"""The secret that is made once when none is set, and the directory it is kept in."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import config
from tests.programs import ROOT


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    env = {"INSTANCE_PATH": str(tmp_path / "new" / "instance")}
    secret = config.load(env)["SECRET_KEY"]
    assert len(secret) >= 43
    assert config.load(env)["SECRET_KEY"] == secret
    path = tmp_path / "new" / "instance" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert config.load({"INSTANCE_PATH": str(tmp_path / "another")})["SECRET_KEY"] != secret


def test_processes_that_start_at_the_same_moment_share_one_secret(tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(50)]
    program = "import sys, config; print(flush=True); sys.stdin.read()\n"
    program += "for place in sys.argv[1:]: print(config.load({'INSTANCE_PATH': place})['SECRET_KEY'])"
    gate, opener = os.pipe()
    pipes: dict[str, Any] = {"stdin": gate, "stdout": subprocess.PIPE, "cwd": ROOT}
    processes = [subprocess.Popen([sys.executable, "-c", program, *places], **pipes) for _ in range(4)]
    os.close(gate)
    for process in processes:
        assert process.stdout.readline() == b"\n"  # has imported everything, waits at the gate
    os.close(opener)  # for all of them
    secrets = set()
    for process in processes:
        with process:
            secrets.add(tuple(process.stdout.read().split()))
        assert process.returncode == 0
    assert len(secrets) == 1
    assert len(set(*secrets)) == len(places)
    assert {path.name for place in places for path in place.iterdir()} == {"secret_key"}


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\n" * 40, b"\xff" * 40], ids=["empty", "short", "blank", "binary"]
)
def test_a_damaged_secret_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with pytest.raises(config.ConfigError, match=r"^SECRET_KEY: .*secret_key.* damaged"):
        config.load({"INSTANCE_PATH": str(tmp_path)})
    assert path.read_bytes() == content


def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(config.ConfigError, match=r"^SECRET_KEY: not set"):
        config.load({"INSTANCE_PATH": str(tmp_path)})


@pytest.mark.parametrize("below", ["", "instance"])
def test_an_instance_directory_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(config.ConfigError, match=r"^INSTANCE_PATH: "):
        config.load({"INSTANCE_PATH": str(tmp_path / "file" / below)})


def test_a_secret_of_31_characters_is_too_short_and_one_of_32_is_taken(tmp_path: Path) -> None:
    given = "".join(map(chr, range(65, 97)))
    assert config.load({"INSTANCE_PATH": str(tmp_path), "SECRET_KEY": given})["SECRET_KEY"] == given
    with pytest.raises(config.ConfigError, match="SECRET_KEY: must be at least 32"):
        config.load({"INSTANCE_PATH": str(tmp_path), "SECRET_KEY": given[:31]})
