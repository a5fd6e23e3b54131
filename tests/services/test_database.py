"""The two engines behind the database object, and SQLite set up so that many can write."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.extensions import db
from app.models import Task, User
from app.sqlite import begin_immediate
from tests.conftest import Count
from tests.installations import installation, opened
from tests.people import Person, make_person

THREADS, UNITS = 8, 30


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Flask]:
    """An application over a SQLite file of its own."""
    with installation("sqlite", tmp_path) as env, opened(env) as app:
        yield app


def _count_up(app: Flask, user_id: UUID) -> Counter[str]:
    """Read, then write what was read plus one, in many threads at once; return how the units ended."""
    outcome: Counter[str] = Counter()
    start = threading.Barrier(THREADS)

    def work(_: int) -> None:
        start.wait()
        for _ in range(UNITS):
            with app.app_context():
                try:
                    rev = db.session.scalars(select(User.rev).where(User.id == user_id)).one()
                    db.session.execute(update(User).where(User.id == user_id).values(rev=rev + 1))
                    db.session.commit()
                    outcome["done"] += 1
                except OperationalError as error:
                    outcome[str(error.orig)] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    return outcome


def test_units_that_read_before_they_write_meet_no_lock_on_sqlite(sqlite: Flask) -> None:
    user_id = UUID(make_person(sqlite, "alice@example.org").id)
    assert _count_up(sqlite, user_id) == {"done": THREADS * UNITS}
    with sqlite.app_context(), db.read() as connection:
        assert connection.scalar(select(User.rev)) == THREADS * UNITS


def test_with_a_deferred_begin_the_same_units_do_meet_locks(sqlite: Flask) -> None:
    """The control: what the test above shows is owed to BEGIN IMMEDIATE, and would be noticed if it went."""
    user_id = UUID(make_person(sqlite, "alice@example.org").id)
    with sqlite.app_context():
        engine = db.engine
    event.remove(engine, "begin", begin_immediate)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN DEFERRED"))
    assert _count_up(sqlite, user_id)["database is locked"] > 0


def test_people_who_write_at_the_same_moment_all_succeed(app: Flask, count: Count) -> None:
    people = [make_person(app, f"p{number}@example.org") for number in range(THREADS)]
    start = threading.Barrier(THREADS)

    def work(person: Person) -> list[int]:
        start.wait()
        statuses = []
        for _ in range(5):
            task = person.post("/tasks", {"title": "x", "tags": ["a"]})
            path = f"/tasks/{task.get_json()['id']}"
            statuses += [task.status_code, person.patch(path, {"completed": True}).status_code]
            statuses += [person.delete(path).status_code, person.post(f"{path}/restore").status_code]
            statuses += [person.get("/tasks?status=completed").status_code]
        return statuses

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, people)) == [[201, 200, 204, 200, 200] * 5] * THREADS
    assert count("tasks") == THREADS * 5


def test_every_sqlite_connection_is_set_up_to_keep_what_it_acknowledged(sqlite: Flask) -> None:
    with sqlite.app_context(), ExitStack() as stack:
        connections = [stack.enter_context(db.read()) for _ in range(5)]
        for connection in connections:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            }
            assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000, "foreign_keys": 1}


def test_no_statement_waits_for_ever_on_postgresql(tmp_path: Path) -> None:
    with installation("postgresql", tmp_path) as env, opened(env, migrated=False) as app, app.app_context():
        for connect in (db.read, db.engine.connect):
            with connect() as connection:
                found = [
                    connection.exec_driver_sql(f"SHOW {name}").scalar()
                    for name in ("statement_timeout", "lock_timeout", "TimeZone")
                ]
            assert found == ["15s", "10s", "UTC"]


def test_a_read_opens_no_transaction(app: Flask) -> None:
    with app.app_context(), db.read() as connection:
        connection.execute(select(User.id)).all()
        raw = connection.connection.dbapi_connection
        if connection.dialect.name == "sqlite":
            assert raw.in_transaction is False
        else:
            assert raw.info.transaction_status == 0  # PQTRANS_IDLE


def test_a_read_waits_for_no_writer_and_sees_what_is_committed(app: Flask, alice: Person) -> None:
    with app.app_context():
        with db.engine.connect() as writer, writer.begin():
            writer.execute(update(User).values(name="Renamed"))
            with db.read() as reader:
                assert reader.scalar(select(User.name)) == "Alice"
        with db.read() as reader:
            assert reader.scalar(select(User.name)) == "Renamed"


def test_a_unit_that_fails_leaves_nothing_behind(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.execute(update(User).values(name="Renamed"))
        row = {"id": uuid4(), "user_id": uuid4(), "title": "Nobody's", "rev": 1}
        with pytest.raises(IntegrityError):
            db.session.execute(insert(Task).values(row))
        db.session.rollback()
        with db.read() as reader:
            assert reader.scalar(select(User.name)) == "Alice"


def test_an_error_of_the_database_does_not_carry_what_was_to_be_stored(app: Flask) -> None:
    row = {"id": uuid4(), "user_id": uuid4(), "title": "Secret title", "title_sort": "", "rev": 1}
    with app.app_context(), pytest.raises(IntegrityError) as caught:
        db.session.execute(insert(Task).values(row))
    assert "Secret title" not in str(caught.value)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))], ids=["UTC", "+05:30"])
def test_an_instant_comes_back_aware_and_in_utc(app: Flask, alice: Person, zone: timezone) -> None:
    moment = datetime(2026, 11, 3, 10, 15, 30, 123_456, tzinfo=zone)
    with app.app_context():
        db.session.execute(update(User).values(disabled_at=moment))
        db.session.commit()
        with db.read() as reader:
            found = reader.scalar(select(User.disabled_at))
    assert found == moment
    assert found.utcoffset() == timedelta(0)
