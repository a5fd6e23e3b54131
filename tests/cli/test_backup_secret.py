"""``flask backup`` and the secret key: taken along only when asked for, put back without harm to another."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from tests.backups import another_like, command, made
from tests.conftest import ONE_DATABASE
from tests.installations import Environment, opened


@pytest.mark.parametrize("given", [(), ("--with-secret-key",)])
@ONE_DATABASE
def test_the_secret_is_in_a_backup_only_when_asked_for(
    source: Flask, environment: Environment, tmp_path: Path, given: tuple[str, ...]
) -> None:
    file = made(source, tmp_path / "backup.tar", *given)
    assert (environment["SECRET_KEY"].encode() in file.read_bytes()) is bool(given)
    with another_like(environment, tmp_path / "restored") as env:
        del env["SECRET_KEY"]
        with opened(env, migrated=False) as restored:
            assert command(restored, "backup", "restore", file).exit_code == 0
    inside = tmp_path / "restored" / "secret_key"
    assert (inside.read_text() == environment["SECRET_KEY"]) is bool(given)
    assert stat.S_IMODE(inside.stat().st_mode) == 0o600


@ONE_DATABASE
def test_a_restore_replaces_the_key_of_an_instance_only_when_it_is_done_and_keeps_it(
    source: Flask, environment: Environment, tmp_path: Path
) -> None:
    file = made(source, tmp_path / "backup.tar", "--with-secret-key")
    inside = tmp_path / "restored" / "secret_key"
    with another_like(environment, tmp_path / "restored") as env:
        del env["SECRET_KEY"]
        database = tmp_path / "restored" / "taskward.db"
        database.parent.mkdir()
        with closing(sqlite3.connect(database)) as empty:
            empty.execute("PRAGMA journal_mode=WAL")  # which cannot be had of what may only be read
        read_only = {"DATABASE_URL": f"sqlite:///file:{database}?mode=ro&uri=true"}
        with opened(env | read_only, migrated=False) as refusing:
            before = inside.read_text()
            result = command(refusing, "backup", "restore", file)
            assert (result.exit_code, inside.read_text()) == (1, before)
        with opened(env, migrated=False) as restored:
            assert command(restored, "backup", "restore", file).exit_code == 0
    assert inside.read_text() == environment["SECRET_KEY"]
    (kept,) = inside.parent.glob("secret_key.before-restore-*")
    assert kept.read_text() == before


@ONE_DATABASE
def test_a_secret_that_is_set_in_the_environment_is_left_alone(
    source: Flask, environment: Environment, tmp_path: Path
) -> None:
    file = made(source, tmp_path / "backup.tar", "--with-secret-key")
    with (
        another_like(environment, tmp_path / "restored", SECRET_KEY="another-battery-staple-0123456789") as env,
        opened(env, migrated=False) as restored,
    ):
        result = command(restored, "backup", "restore", file)
    assert result.exit_code == 0
    assert f"tar -xOf {file} secret_key" in result.stderr
    assert not (tmp_path / "restored" / "secret_key").exists()
