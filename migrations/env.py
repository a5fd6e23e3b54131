"""Alembic environment: migrates the database of the current Flask application."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import click
import sqlalchemy as sa
from alembic import context
from alembic.migration import MigrationContext
from flask import current_app

import app.models  # noqa: F401 - registers every table
from app.services import backups
from app.services.errors import BackupRefused

#: Any number, the same in every process: the advisory lock of whoever migrates.
LOCK = 7_236_843_001
#: Milliseconds for which SQLite waits for another process that migrates: without a word, and in all.
SILENT_WAIT, LONGEST_WAIT = 1_000, 600_000

database = current_app.extensions["migrate"].db


def plain_timestamp(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write `app.models.base.Timestamp` as what the database knows: migrations must not import the application."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, sa.DateTime) else False


@contextmanager
def _transaction(connection: sa.Connection) -> Iterator[None]:
    """Hold the one transaction of this run, begun when no other process migrates this database any more."""
    if connection.dialect.name == "postgresql":
        with connection.begin():
            # However long the others take; and a migration may take longer than any request.
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({LOCK})").scalar():
                click.echo("Another process migrates this database; waiting until it has ended.", err=True)
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            # A table that somebody keeps locked would make everybody else queue up behind the migration.
            connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")
            yield
        return
    # Past SQLAlchemy: within a transaction, which its first statement begins, the first would be ignored. Without it,
    # replacing a table by its altered copy would delete the rows that refer to it.
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    _say_if_locked(driver)
    driver.execute(f"PRAGMA busy_timeout={LONGEST_WAIT}")
    try:
        with connection.begin():
            yield
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("a migration has left rows that refer to nothing; nothing was changed")
    finally:
        connection.invalidate()  # the settings go with the connection


def _say_if_locked(driver: sqlite3.Connection) -> None:
    driver.execute(f"PRAGMA busy_timeout={SILENT_WAIT}")
    try:
        driver.execute("BEGIN IMMEDIATE")
        driver.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            click.echo("Another process keeps the database locked; waiting for 10 minutes at most.", err=True)


def _back_up(ctx: MigrationContext, **_: Any) -> None:
    """Back the database up when the first migration has been carried out, and nobody can see that yet."""
    if ctx.opts.setdefault("back_up", True):
        ctx.opts["back_up"] = False
        try:
            backups.before_migration()
        except BackupRefused as error:
            raise RuntimeError(f"no backup, so no migration; nothing was changed. {error}") from error


def run() -> None:
    """Run the migrations in one transaction, so that a failed upgrade leaves the old schema whole."""
    with database.engine.connect() as connection, _transaction(connection):
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_item=plain_timestamp,
            on_version_apply=_back_up,
            # SQLite alters tables by copying them.
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()


try:
    run()
except sa.exc.DatabaseError as error:
    # Flask-Migrate says this in one line.
    reason = str(error.orig).strip().partition("\n")[0]
    raise RuntimeError(f"the database cannot be used: {reason}") from error
