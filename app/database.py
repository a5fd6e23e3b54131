"""The database object: an engine for writes, and one for reads.

Writes go through ``db.session``, one explicit transaction for each unit of work. Reads go through ``db.read()``, whose
connections are in AUTOCOMMIT for good and open no transaction: that saves two round trips on PostgreSQL and takes no
lock on SQLite. The two have pools of their own, since switching a connection to and fro costs two round trips again.
The reads of nearly every request go through ``db.fetch_all()``, and what signing in and refreshing write through
``db.unit_of_work()``: PostgreSQL plans such statements once for each connection.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson
from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Select, UpdateBase, create_engine, event, exc
from sqlalchemy.orm import DeclarativeBase, scoped_session
from sqlalchemy.schema import MetaData

from app import prepared, sqlite
from app.prepared import Parameters, Rows, Statement


class Base(DeclarativeBase):
    """Declarative base of every table; constraints are named so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class BoundSelect(NamedTuple):
    """A statement that reads, and the values of its parameters: what `Database.fetch_all` takes."""

    statement: Select[*tuple[Any, ...]]
    parameters: Parameters


class UnitOfWork(Protocol):
    """A unit of work under way; statements and parameters are such as `Database.fetch_all` takes."""

    def execute(self, statement: Statement, parameters: Parameters) -> Rows:
        """Carry out a statement and return its rows."""

    def execute_later(self, statement: Statement, parameters: Parameters) -> None:
        """Carry out a statement whose rows nobody wants: in its turn, before the unit of work ends."""


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with the two engines described above."""

    def init_app(self, app: Flask) -> None:
        """Bind to ``app``, whose config must name the database."""
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(app.config)
        super().init_app(app)
        with app.app_context():
            # There is nothing to roll back. The driver would ask nobody, but let another thread have the interpreter.
            reading = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
            options = app.config["SQLALCHEMY_ENGINE_OPTIONS"] | reading
            app.extensions["reader"] = reader = create_engine(self.engine.url, **options)
            app.extensions["prepared"] = connections = prepared.Connections(reader)
            event.listen(self.engine, "commit", lambda _: connections.commits.begin())
            if self.engine.dialect.name == "sqlite":
                event.listen(self.engine, "connect", sqlite.prepare)
                event.listen(self.engine, "begin", sqlite.begin_immediate)
                event.listen(self.reader, "connect", sqlite.prepare)
            else:
                for engine in (self.engine, self.reader):
                    event.listen(engine, "connect", prepared.watch_for_close)
                    event.listen(engine, "checkout", _replace_if_closed)
                event.listen(self.reader, "connect", _remember_ids)

    @property
    def reader(self) -> Engine:
        """The engine of `read`."""
        reader: Engine = current_app.extensions["reader"]
        return reader

    @property
    def prepared_connections(self) -> prepared.Connections:
        """The connections of `fetch_all` and `execute_autocommit` on PostgreSQL."""
        connections: prepared.Connections = current_app.extensions["prepared"]
        return connections

    def read(self) -> Connection:
        """Return a connection that reads without a transaction; use it as a context manager."""
        return self.reader.connect()

    @property
    def on_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.reader.dialect.name == "postgresql"

    def fetch_all(self, statement: Select[*tuple[Any, ...]], parameters: Parameters) -> Rows:
        """Return the rows of a statement that reads and was made once, with these values for its parameters.

        The columns must be such as PostgreSQL's driver gives by itself: no type decorators.
        On PostgreSQL the statement is prepared, and goes past SQLAlchemy: who is asking then takes 0.1 ms there instead
        of 0.3, and half of the calls of functions here. Should anything go wrong, the usual way finds out: it asks
        anew, after a restart of the server for instance, or raises the usual errors.
        """
        ahead: tuple[BoundSelect, Rows] | None = g.pop("prefetched", None)
        if ahead and ahead[0].statement is statement and ahead[0].parameters == parameters:
            return ahead[1]
        engine = self.reader
        if self.on_postgresql:
            try:
                return self.prepared_connections.execute(statement, parameters)
            except engine.dialect.loaded_dbapi.Error:
                pass
        with engine.connect() as connection:
            return connection.execute(statement, parameters).all()

    def prefetched(self, asked: BoundSelect, rows: Rows) -> None:
        """Keep the rows for the next call of `fetch_all` in this request, in case it asks just that."""
        g.prefetched = asked, rows

    def execute_autocommit(self, statement: UpdateBase, parameters: Parameters) -> Rows:
        """Carry out a statement that writes as a unit of work of its own, prepared as by `fetch_all`; return its rows.

        PostgreSQL only. It is not tried anew: nobody knows whether it was done.

        Raises:
            DBAPIError: of the usual kind.
        """
        with prepared.sqlalchemy_errors(self.reader.dialect, statement):
            return self.prepared_connections.execute(statement, parameters, writes=True)

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Open a unit of work of prepared statements: committed in the end, rolled back on any exception.

        Nothing else may be written meanwhile through ``db.session``, whose transaction would be another one.

        Raises:
            DBAPIError: of the usual kind, as soon as a statement has to be carried out.
        """
        if not self.on_postgresql:
            try:
                yield self.in_session
            except BaseException:
                self.session.rollback()
                raise
            self.session.commit()
            return
        with prepared.sqlalchemy_errors(self.engine.dialect, "a unit of prepared statements"):
            commits = self.prepared_connections.commits
            commits.begin()
            pooled = self.engine.raw_connection()
            work = prepared.Pipeline(pooled, self.engine.dialect)
            try:
                yield work
                began = time.perf_counter()
                work.commit()
                commits.end(began)
            except self.engine.dialect.loaded_dbapi.Error:
                pooled.invalidate()
                raise
            except BaseException:
                with suppress(self.engine.dialect.loaded_dbapi.Error):
                    work.rollback()
                raise
            finally:
                pooled.close()

    @cached_property
    def in_session(self) -> UnitOfWork:
        """The unit of work that is the transaction of ``db.session``, which its caller ends."""
        return _SessionUnitOfWork(self.session)

    def dispose(self, *, close: bool = True) -> None:
        """Let go of all idle connections; ``close=False`` in a forked child, where they are still the parent's."""
        self.prepared_connections.dispose()
        self.engine.dispose(close=close)
        self.reader.dispose(close=close)


class _SessionUnitOfWork:
    def __init__(self, session: scoped_session[Any]) -> None:
        self._session = session

    def execute(self, statement: Statement, parameters: Parameters) -> Rows:
        self._session.flush()  # the statement may be about what was added to the session
        return self._session.connection().execute(statement, parameters).all()

    def execute_later(self, statement: Statement, parameters: Parameters) -> None:
        self._session.flush()
        self._session.connection().execute(statement, parameters)


def _engine_options(config: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "pool_size": config["DATABASE_POOL_SIZE"],
        "max_overflow": 4,
        "pool_timeout": 10,
        "pool_use_lifo": True,  # few connections in steady use: the server's processes behind them stay warm
        # Values are hashes, titles, addresses: an exception that reaches the log must not carry them.
        "hide_parameters": True,
        "json_deserializer": orjson.loads,  # the tags of a page of tasks are 20 to 200 JSON values
    }
    if config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
        # A statement that runs this long is a fault; ending it frees the thread that waits.
        settings = "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=10000"
        gone = {"tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}
        options["connect_args"] = gone | {"connect_timeout": 5, "options": settings, "application_name": "taskward"}
    return options


#: The UUID of a text. The ids of a page of tasks take a tenth of the time it takes to list it, and mostly it was listed
#: before.
uuid_of = lru_cache(maxsize=20_000)(UUID)


def _remember_ids(connection: Any, _record: Any) -> None:
    """Have the driver make a UUID once for as long as it is in use."""
    from psycopg2.extensions import new_type, register_type  # type: ignore[import-untyped]

    register_type(new_type((2950,), "UUID", lambda text, _: text and uuid_of(text)), connection)


def _replace_if_closed(_connection: Any, record: Any, _fairy: Any) -> None:
    """Have the pool open a new connection where the server has closed this one."""
    if prepared.is_closed(record):
        raise exc.DisconnectionError("closed while idle")
