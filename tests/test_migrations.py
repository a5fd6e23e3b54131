"""The database's schema: made by migrations alone, up and down, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect

from app.extensions import db
from tests.conftest import ENGINES
from tests.installations import installation, opened
from tests.people import make_person


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application over a database of its own, without a schema."""
    with installation(request.param, tmp_path) as env, opened(env, migrated=False) as app:
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


def test_upgrading_makes_every_table(fresh: Flask) -> None:
    assert _tables(fresh) == set()
    _flask(fresh, "upgrade")
    assert _tables(fresh) == {*db.metadata.tables, "alembic_version"}


def test_a_migrated_database_is_exactly_what_the_models_say(fresh: Flask) -> None:
    _flask(fresh, "upgrade")
    _flask(fresh, "check")


@pytest.mark.parametrize(
    "difference",
    [
        "CREATE TABLE stray (id INTEGER PRIMARY KEY)",
        "ALTER TABLE tasks ADD COLUMN colour VARCHAR(7)",
        "DROP INDEX ix_tasks_user_id_due_sort_id",
    ],
)
def test_the_check_notices_a_difference(fresh: Flask, difference: str) -> None:
    _flask(fresh, "upgrade")
    _execute(fresh, difference)
    result = fresh.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code != 0


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
