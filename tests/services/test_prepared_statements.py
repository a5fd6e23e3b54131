"""Prepared statements, alone and several in a unit: as ordinary ones, only in fewer round trips."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Integer, Select, bindparam, create_engine, func, literal_column, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from app.extensions import db
from app.models import Task, User
from app.prepared import FAR
from app.services import task_writes
from app.services.task_rows import COLUMNS
from app.signals import waiting
from tests.installations import installation, opened
from tests.people import Person, make_person


def test_a_prepared_statement_gives_the_same_types_as_an_ordinary_one(app: Flask, alice: Person) -> None:
    alice.make_task(title="x", tags=["a", "b"], due_date="2026-11-30", due_time="09:30", completed=True)
    statement = select(*COLUMNS).where(Task.user_id == bindparam("owner"), Task.title == bindparam("title"))
    values = {"owner": UUID(alice.id), "title": "x"}
    with app.app_context():
        with db.read() as connection:
            ordinary = tuple(connection.execute(statement, values).one())
        for _ in range(7):  # PostgreSQL takes another plan from the sixth time on
            assert [tuple(row) for row in db.fetch_all(statement, values)] == [ordinary]
        assert db.fetch_all(statement, values | {"title": "it's; DROP TABLE tasks --%(owner)s"}) == []


def test_what_goes_wrong_with_a_prepared_statement_is_asked_anew_or_told_as_usual(tmp_path: Path) -> None:
    with installation("postgresql", tmp_path) as env, opened(env) as app:
        carol = make_person(app, "carol@example.org")
        assert carol.get("/api/me").status_code == 200
        with app.app_context():
            with db.read() as connection:
                connection.exec_driver_sql("DEALLOCATE ALL")
            assert carol.get("/api/me").status_code == 200
            with pytest.raises(DBAPIError, match="division by zero"):
                db.fetch_all(select(literal_column("1") / bindparam("by", type_=Integer)), {"by": 0})
            with pytest.raises(DataError, match="too long") as caught:
                task_writes.add_at_once(UUID(carol.id), {"title": "Secret title".ljust(501, "x")})
            assert "Secret title" not in str(caught.value)
            assert carol.get("/tasks").get_json()["items"] == []


_COUNT_UP = update(User).values(rev=User.rev + 1).returning(User.rev)
_END_THE_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_a_connection_that_the_server_has_closed_is_replaced_before_it_is_used(tmp_path: Path) -> None:
    with installation("postgresql", tmp_path) as env, opened(env) as app, app.app_context():
        make_person(app, "carol@example.org")
        engine = create_engine(env["DATABASE_URL"])
        for number in range(3):
            assert [tuple(row) for row in db.execute_autocommit(_COUNT_UP, {})] == [(number + 1,)]
            with engine.connect() as connection:
                assert connection.scalars(_END_THE_OTHERS).all()
        engine.dispose()


_RENAME = update(User).values(name=bindparam("name"))
_NAMES = select(User.name)
_DOUBT = select(literal_column("1") / bindparam("by", type_=Integer))


def _names(app: Flask) -> list[str]:
    with app.app_context(), db.read() as connection:
        return list(connection.scalars(_NAMES))


def test_a_unit_of_prepared_statements_is_carried_out_in_order_and_kept(app: Flask, alice: Person) -> None:
    for _ in range(7):  # PostgreSQL takes another plan from the sixth time on
        with app.app_context(), db.unit_of_work() as work:
            work.execute_later(_RENAME, {"name": "First"})
            work.execute_later(_RENAME, {"name": "it's; ROLLBACK --%(name)s"})
            assert [tuple(row) for row in work.execute(_NAMES, {})] == [("it's; ROLLBACK --%(name)s",)]
            work.execute_later(_RENAME, {"name": "Last"})
        assert _names(app) == ["Last"]


def _fail(error: type[BaseException]) -> None:
    with db.unit_of_work() as work:
        work.execute_later(_RENAME, {"name": "Renamed"})
        work.execute(_NAMES, {})
        work.execute_later(_RENAME, {"name": "Renamed again"})
        raise error


def test_a_unit_of_prepared_statements_that_fails_leaves_neither_rows_nor_a_transaction(
    app: Flask, alice: Person
) -> None:
    for error in (LookupError, KeyboardInterrupt):
        with app.app_context():
            with pytest.raises(error):
                _fail(error)
            with db.engine.connect() as connection:
                assert connection.scalar(_NAMES) == "Alice"
            with db.unit_of_work() as work:  # on the same connection
                assert [tuple(row) for row in work.execute(_NAMES, {})] == [("Alice",)]


def _execute(statement: Select[Any], values: dict[str, Any], name: str = "Secret name") -> None:
    with db.unit_of_work() as work:
        work.execute_later(_RENAME, {"name": name})
        work.execute(statement, values)


def test_an_error_of_the_database_ends_a_unit_of_prepared_statements_as_usual(tmp_path: Path) -> None:
    with installation("postgresql", tmp_path) as env, opened(env) as app, app.app_context():
        make_person(app, "carol@example.org", name="Carol")
        with pytest.raises(DBAPIError, match="division by zero"):
            _execute(_DOUBT, {"by": 0})
        with pytest.raises(DataError, match="too long") as caught:
            _execute(_NAMES, {}, "Secret name".ljust(101, "x"))
        assert "Secret name" not in str(caught.value)
        with pytest.raises(OperationalError, match="terminat"):
            _execute(select(func.pg_terminate_backend(func.pg_backend_pid())), {})
        assert _names(app) == ["Carol"]
        _execute(_NAMES, {}, "Carol C.")
        assert _names(app) == ["Carol C."]


def test_a_database_is_far_when_it_has_not_answered_soon_for_a_while(tmp_path: Path) -> None:
    slowly, soon, asked = select(func.pg_sleep(FAR * 2)), select(literal_column("1")), []
    with (
        installation("postgresql", tmp_path) as env,
        opened(env) as app,
        app.app_context(),
        waiting.connected_to(asked.append),
    ):
        for _ in range(300):
            db.fetch_all(slowly, {})
        assert not asked
        for _ in range(700):
            db.fetch_all(slowly, {})
        assert asked
        db.fetch_all(soon, {})
        asked.clear()
        db.fetch_all(slowly, {})
        assert not asked
