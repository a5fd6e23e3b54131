"""Alembic environment: migrates the database of the current Flask application."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from flask import current_app

import app.models  # noqa: F401 - registers every table

database = current_app.extensions["migrate"].db


def plain_timestamp(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write `app.models.base.Timestamp` as what the database knows: migrations must not import the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, sa.DateTime) else False


@contextmanager
def _without_cascades(connection: sa.Connection) -> Iterator[None]:
    """Let SQLite replace a table by its altered copy without deleting the rows that refer to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    # Past SQLAlchemy: within a transaction, which its first statement begins, this would be ignored.
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    """Run the migrations in one transaction, so that a failed upgrade leaves the old schema whole."""
    with database.engine.connect() as connection, _without_cascades(connection):
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_item=plain_timestamp,
            # SQLite alters tables by copying them.
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
            if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("a migration has left rows that refer to nothing; nothing was changed")


run()
