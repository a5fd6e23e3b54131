"""Who waits for a lock in PostgreSQL; only where a test has pushed the application's context."""

import time

from sqlalchemy import text

from app.extensions import db

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event IN ('transactionid', 'tuple')"
)


def wait_until_waiting(number: int) -> None:
    """Wait until so many wait for a row that somebody holds."""
    deadline = time.monotonic() + 10
    with db.read() as looking:
        while looking.execute(WAITING).scalar_one() < number:
            assert time.monotonic() < deadline, "nobody waits for the one that is held"
            time.sleep(0.01)
