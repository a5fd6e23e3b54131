"""What SQLite is told that it does not do by itself."""

from typing import Any

from sqlalchemy import Connection


def prepare(connection: Any, _record: Any) -> None:
    """Set a new connection up; listens to the pool's ``connect``."""
    connection.isolation_level = None  # the driver must not open transactions by itself: see begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own knows no letters but those of ASCII, and ILIKE goes by it.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return text and text.lower()


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock when a unit of work starts.

    A transaction that begins by reading and writes later has to upgrade its lock, and SQLite refuses that at once,
    whatever ``busy_timeout`` says, when another writer came in between.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
