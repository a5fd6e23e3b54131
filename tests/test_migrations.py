"""The database's schema: made by migrations alone, up and down, on both engines."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import MetaData, create_engine, inspect, select

from app.extensions import db
from tests.conftest import ENGINES
from tests.installations import Environment, installation, opened, run
from tests.people import make_person, signed_in
from tests.programs import ROOT

#: Rows of a small installation of each released revision: those of the tables that it added.
RELEASED = sorted((ROOT / "tests" / "migrations").glob("*.sql"))

#: Statements that make a schema another, and how the check names what they did.
DIFFERENCES = {
    "CREATE TABLE stray (id INTEGER PRIMARY KEY)": "'remove_table', Table('stray'",
    "ALTER TABLE tasks ADD COLUMN colour VARCHAR(7)": "'remove_column', None, 'tasks', Column('colour'",
    "DROP INDEX ix_tasks_user_id_due_sort_id": "'add_index', Index('ix_tasks_user_id_due_sort_id'",
}


@pytest.fixture(params=ENGINES)
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """The variables of an installation whose database has no schema."""
    with installation(request.param, tmp_path) as env:
        yield env


@pytest.fixture
def fresh(env: Environment) -> Iterator[Flask]:
    """An application over a database of its own, without a schema."""
    with opened(env, migrated=False) as app:
        yield app


def _flask(app: Flask, *arguments: str) -> str:
    result = app.test_cli_runner().invoke(args=["db", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def _tables(app: Flask) -> set[str]:
    with app.app_context(), db.read() as connection:
        return set(inspect(connection).get_table_names())


def _execute(app: Flask, statement: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_upgrading_makes_exactly_what_the_models_say_and_the_check_notices_differences(
    fresh: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    assert _tables(fresh) == set()
    _flask(fresh, "upgrade")
    assert _tables(fresh) == {*db.metadata.tables, "alembic_version"}
    _flask(fresh, "check")
    for statement in DIFFERENCES:
        _execute(fresh, statement)
    result = fresh.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code != 0
    for named in DIFFERENCES.values():
        assert named in caplog.text


def test_every_migration_can_be_taken_back_and_applied_again(fresh: Flask) -> None:
    _flask(fresh, "upgrade")
    make_person(fresh, "alice@example.org").make_task(tags=["a"])
    _flask(fresh, "downgrade", "base")
    assert _tables(fresh) == {"alembic_version"}
    _flask(fresh, "upgrade")
    _flask(fresh, "check")
    assert make_person(fresh, "alice@example.org").make_task(tags=["a"])["rev"] == 1


def test_upgrading_twice_changes_nothing(fresh: Flask) -> None:
    _flask(fresh, "upgrade")
    alice = make_person(fresh, "alice@example.org")
    task = alice.make_task()
    _flask(fresh, "upgrade")
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


def test_tasks_and_tags_survive_the_change_of_their_key(fresh: Flask) -> None:
    _flask(fresh, "upgrade")
    alice = make_person(fresh, "alice@example.org")
    task = alice.make_task(title="Ärger", due_date="2026-11-30", due_time="14:30", tags=["home", "b"], priority="high")
    for _ in range(2):
        _flask(fresh, "downgrade", "0002")
        _flask(fresh, "upgrade")
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    assert alice.get("/tasks?tag=home").get_json()["items"] == [task]
    with fresh.app_context(), db.read() as connection:
        assert connection.exec_driver_sql("SELECT title_sort FROM tasks").scalar_one() == "ärger"


def _rows(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Return every row by table, as the database itself knows its tables."""
    with app.app_context(), db.read() as connection:
        found = MetaData()
        found.reflect(connection)
        tables = (table for table in found.sorted_tables if table.name != "alembic_version")
        return {table.name: [dict(row._mapping) for row in connection.execute(select(table))] for table in tables}


def _filled(app: Flask, released: Path) -> None:
    """Let the installation have been of every release up to this one."""
    for file in RELEASED[: RELEASED.index(released) + 1]:
        _flask(app, "upgrade", file.stem)
        for statement in file.read_text().split(";\n"):
            if statement.strip():
                _execute(app, statement)


@pytest.mark.parametrize("released", RELEASED, ids=lambda file: file.stem)
def test_what_an_earlier_release_stored_is_all_there_after_an_upgrade(
    fresh: Flask, released: Path, tmp_path: Path
) -> None:
    _filled(fresh, released)
    before = _rows(fresh)
    assert [name for name, rows in before.items() if not rows] == []
    _flask(fresh, "upgrade")
    _flask(fresh, "check")
    after = _rows(fresh)
    for name, rows in before.items():
        columns = rows[0].keys()
        kept = [{column: row[column] for column in columns} for row in after[name]]
        assert sorted(map(repr, kept)) == sorted(map(repr, rows)), name
    ann = signed_in(fresh, "ann@example.org")
    [task] = ann.get("/tasks?tag=home").get_json()["items"]
    assert (task["title"], task["due_time"], task["tags"]) == ("ÄRGER beim Amt", "14:30", ["home", "b"])
    _saved(fresh, released.stem, before, tmp_path / "saved")


def _saved(app: Flask, revision: str, before: dict[str, Any], directory: Path) -> None:
    """SQLite as it was before can be had again."""
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
        return
    backup = max((Path(app.instance_path) / "backups").iterdir())
    with installation("sqlite", directory) as env, opened(env, migrated=False) as restored:
        result = restored.test_cli_runner().invoke(args=["backup", "restore", str(backup), "--json"])
        assert json.loads(result.stdout)["revision"] == revision
        after = _rows(restored)
    for user in (*before["users"], *after["users"]):
        for counter in ("rev", "sync_floor"):  # which a restore moves on
            user.pop(counter, None)
    assert after == before


def test_the_newest_backups_before_upgrades_of_three_revisions_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    with installation("sqlite", tmp_path) as env:
        with opened(env) as app:
            _flask(app, "upgrade")
            _flask(app, "check")
        assert not folder.exists()
        made: list[set[Path]] = []
        back, forth = ("downgrade", "0002"), ("upgrade", "0003")
        for step in (("downgrade", "0004"), ("downgrade", "0003"), back, forth, back, forth, back):
            with opened(env, migrated=False) as app:
                _flask(app, *step)
            made.append(set(folder.iterdir()))
    assert [len(each) for each in made] == [1, 2, 3, 3, 3, 3, 3]
    assert made[0].isdisjoint(made[3])
    for earlier, later in pairwise(made[3:]):
        assert {path.name.split("-")[3] for path in later} == {"0004", "0003", "0002"}
        assert len(later - earlier) == 1


def test_without_room_for_the_backup_nothing_is_migrated(tmp_path: Path) -> None:
    with installation("sqlite", tmp_path) as env, opened(env, migrated=False) as app:
        _flask(app, "upgrade", "0002")
        (tmp_path / "backups").write_text("in the way")
        before = _tables(app)
        result = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 1
        assert _tables(app) == before


def test_of_two_processes_that_upgrade_at_once_one_does_it(env: Environment) -> None:
    with ThreadPoolExecutor(2) as pool:
        upgrades = [pool.submit(run, env, "flask", "--app", "wsgi", "db", "upgrade") for _ in range(2)]
        ended = [upgrade.result() for upgrade in upgrades]
    assert [each.returncode for each in ended] == [0, 0], ended
    with opened(env, migrated=False) as app:
        _flask(app, "check")


def test_whoever_has_to_wait_for_another_that_upgrades_is_told(env: Environment) -> None:
    engine = create_engine(env["DATABASE_URL"])
    with engine.connect() as other:
        if engine.dialect.name == "postgresql":
            other.exec_driver_sql("SELECT pg_advisory_xact_lock(7236843001)")
        else:
            other.exec_driver_sql("PRAGMA journal_mode = WAL")  # as Taskward has it
            other.exec_driver_sql("BEGIN IMMEDIATE")
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | env, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr
            patience = threading.Timer(20, waiting.kill)
            patience.start()
            assert any("waiting" in line for line in waiting.stderr)
            assert waiting.poll() is None
            other.rollback()
            waiting.stderr.read()
            patience.cancel()
    engine.dispose()
    assert waiting.returncode == 0
    with opened(env, migrated=False) as app:
        _flask(app, "check")
