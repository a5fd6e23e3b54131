"""A SQLite file that was damaged: every command says so in a line, and no backup is made of it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from app.extensions import db
from tests.backups import command
from tests.installations import installation, opened
from tests.people import make_person

PAGE = 4096


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Flask]:
    """An installation of its own, of which the pages that hold a task and the events were overwritten."""
    with installation("sqlite", tmp_path / "instance") as env, opened(env) as app:
        make_person(app, "ann@example.org").make_task(title="Marked for damage")
        file = _closed(app)
        content = file.read_bytes()
        pages = [content[start : start + PAGE] for start in range(0, len(content), PAGE)]
        marks = (b"Marked for damage", b"authn_login_success")
        left = [
            b"\xa5" * PAGE if number and any(mark in page for mark in marks) else page
            for number, page in enumerate(pages)
        ]
        assert left != pages
        file.write_bytes(b"".join(left))
        yield app


def _closed(app: Flask) -> Path:
    """Return the database's file when everything is in it."""
    with app.app_context():
        db.dispose()
    file = Path(str(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.mark.parametrize("words", ["events list", "events list --json"])
def test_a_command_over_a_damaged_file_says_so_in_a_line(damaged: Flask, words: str) -> None:
    result = command(damaged, *words.split())
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == "Error: The database cannot be used: database disk image is malformed\n"


def test_no_backup_is_made_of_a_damaged_file(damaged: Flask, tmp_path: Path) -> None:
    result = command(damaged, "backup", "create", "--output", tmp_path / "backup.tar")
    assert result.exit_code == 1
    assert result.stderr.endswith("The database in the backup is damaged. It was not kept: it could not be restored.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["instance"]


def test_the_doctor_finds_the_damage_and_names_the_cure(damaged: Flask) -> None:
    result = command(damaged, "doctor", "--json")
    found = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert result.exit_code == 1
    assert (found["integrity"]["status"], found["integrity"]["finding"]) == ("fail", "the file is damaged")
    assert "flask backup restore" in found["integrity"]["cure"]
    assert found["not checked"]["finding"] == "revision, writing, clock, signing keys"


@pytest.mark.parametrize("words", ["backup create", "users list"])
def test_a_file_that_is_no_database_is_told_in_a_line(damaged: Flask, words: str) -> None:
    _closed(damaged).write_bytes(b"\xa5" * 2 * PAGE)
    result = command(damaged, *words.split())
    assert result.exit_code in (1, 4)
    assert (result.stdout, "file is not a database" in result.stderr) == ("", True)
    assert len(result.stderr.splitlines()) == 1
