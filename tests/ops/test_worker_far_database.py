"""gunicorn's workers over a database that is far: it is waited for by more than one request at a time."""

import time
from concurrent.futures import ThreadPoolExecutor

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
