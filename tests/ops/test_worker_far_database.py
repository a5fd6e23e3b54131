"""gunicorn's workers over a database that is far: it is waited for by more than one request at a time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask

from app.extensions import db
from tests.conftest import STRICT_DATABASE
from tests.ops.conftest import Start, status
from tests.people import Person

pytestmark = STRICT_DATABASE

# Where nobody is replaced for being slow, who waits for the database has to step down.
_NOBODY_IS_SLOW = """
import app.ops.worker, app.prepared
app.ops.worker.LEAD = 8
app.prepared.FAR = {far}
"""


@pytest.fixture
def slow_disk(app: Flask) -> Iterator[None]:
    """A database that takes two seconds to commit a new task."""
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION wait()"
        )
    yield
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION wait CASCADE")


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("method", ["POST", "PUT"])  # prepared, and by the session
def test_who_waits_for_a_commit_keeps_nobody_else_waiting(start: Start, alice: Person, method: str) -> None:
    server = start(_NOBODY_IS_SLOW.format(far=60))
    path = alice.url("/tasks" if method == "POST" else f"/tasks/{uuid4()}")
    headers = alice.bearer() | {"Content-Type": "application/json"}
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(status, server, method, path, headers, '{"title": "Milk"}')
        time.sleep(0.5)
        assert status(server, "GET", "/api/me", alice.bearer()) == 200
        assert not writing.done()
        assert writing.result() == 201


@pytest.mark.parametrize(("far", "meanwhile"), [(-1, True), (60, False)])
def test_who_waits_for_a_database_steps_down_where_it_is_far(
    app: Flask, start: Start, alice: Person, *, far: float, meanwhile: bool
) -> None:
    server = start(_NOBODY_IS_SLOW.format(far=far))
    with ThreadPoolExecutor() as pool, app.app_context():
        db.session.connection().exec_driver_sql("LOCK TABLE users")
        waiting = [pool.submit(status, server, "GET", "/api/me", alice.bearer()) for _ in range(2)]
        time.sleep(0.5)
        other = pool.submit(status, server, "GET", "/healthz", {})
        time.sleep(1)
        assert other.done() == meanwhile
        assert not any(each.done() for each in waiting)
        db.session.rollback()
        assert [each.result() for each in [*waiting, other]] == [200, 200, 200]
