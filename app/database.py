"""The database object: an engine for writes, and one for reads.

Writes go through ``db.session``, one explicit transaction for each unit of work. Reads go through ``db.read()``, whose
connections are in AUTOCOMMIT for good and open no transaction: that saves two round trips on PostgreSQL and takes no
lock on SQLite. The two have pools of their own, since switching a connection to and fro costs two round trips again.
The reads of nearly every request go through ``db.ask()``, which has PostgreSQL plan them once for each connection.
"""

import hashlib
import re
import select
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Insert, Select, create_engine, event, exc
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import MetaData


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


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with the two engines described above."""

    def init_app(self, app: Flask) -> None:
        """Bind to ``app``, whose config must name the database."""
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(app.config)
        super().init_app(app)
        with app.app_context():
            options = app.config["SQLALCHEMY_ENGINE_OPTIONS"] | {"isolation_level": "AUTOCOMMIT"}
            app.extensions["reader"] = create_engine(self.engine.url, **options)
            if self.engine.dialect.name == "sqlite":
                event.listen(self.engine, "connect", _prepare_sqlite)
                event.listen(self.engine, "begin", _begin_immediate)
                event.listen(self.reader, "connect", _prepare_sqlite)
            else:
                event.listen(self.reader, "connect", _remember_ids)
                event.listen(self.engine, "checkout", _replace_if_closed)
                event.listen(self.reader, "checkout", _replace_if_closed)

    @property
    def reader(self) -> Engine:
        """The engine of `read`."""
        reader: Engine = current_app.extensions["reader"]
        return reader

    def read(self) -> Connection:
        """Return a connection that reads without a transaction; use it as a context manager."""
        return self.reader.connect()

    @property
    def on_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.reader.dialect.name == "postgresql"

    def ask(self, statement: Select[*tuple[Any, ...]], values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement that reads, was made once, and has these values for its parameters.

        The values and the columns must be such as PostgreSQL's driver takes and gives by itself: no type decorators.
        On PostgreSQL the statement is prepared, and goes past SQLAlchemy: who is asking then takes 0.1 ms there instead
        of 0.3, and half of the calls of functions here. Should anything go wrong, the usual way finds out: it asks
        anew, after a restart of the server for instance, or raises the usual errors.
        """
        engine = self.reader
        if engine.dialect.name == "postgresql":
            try:
                return _carry_out_prepared(engine, statement, values)
            except engine.dialect.loaded_dbapi.Error:
                pass
        with engine.connect() as connection:
            return connection.execute(statement, values).all()

    def write_at_once(self, statement: Insert, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Carry out a statement that writes as a unit of work of its own, prepared as by `ask`; return its rows.

        PostgreSQL only. It is not tried anew: nobody knows whether it was done.

        Raises:
            DBAPIError: of the usual kind.
        """
        try:
            return _carry_out_prepared(self.reader, statement, values)
        except self.reader.dialect.loaded_dbapi.Error as error:
            kind = next(each.__name__ for each in type(error).__mro__ if hasattr(exc, each.__name__))
            raise getattr(exc, kind)(str(statement), None, error, hide_parameters=True) from error

    def dispose(self, *, close: bool = True) -> None:
        """Let go of all idle connections; ``close=False`` in a forked child, where they are still the parent's."""
        self.engine.dispose(close=close)
        self.reader.dispose(close=close)


@dataclass(frozen=True, slots=True)
class _Prepared:
    name: str
    prepare: str
    execute: str
    #: Values of parameters that are part of the statement.
    fixed: dict[str, Any]


def _carry_out_prepared(
    engine: Engine, statement: Select[*tuple[Any, ...]] | Insert, values: dict[str, Any]
) -> Sequence[Sequence[Any]]:
    prepared, pooled = _prepared(statement, engine.dialect), engine.raw_connection()
    try:
        cursor = pooled.cursor()
        if prepared.name not in pooled.info:
            cursor.execute(prepared.prepare)
            pooled.info[prepared.name] = True
        cursor.execute(prepared.execute, prepared.fixed | values)
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
        return rows
    except engine.dialect.loaded_dbapi.Error:
        pooled.invalidate()
        raise
    finally:
        pooled.close()


_PARAMETER = re.compile(r"%\((\w+)\)s")


@lru_cache(maxsize=512)
def _prepared(statement: Select[*tuple[Any, ...]] | Insert, dialect: Any) -> _Prepared:
    """Return what prepares the statement on a connection (PostgreSQL's PREPARE), and what carries it out there."""
    compiled = statement.compile(dialect=dialect)
    sql = str(compiled)
    names = list(dict.fromkeys(_PARAMETER.findall(sql)))
    numbered = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", sql).replace("%%", "%")
    name = f"taskward_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    given = ", ".join(f"%({each})s" for each in names)
    fixed = {each: value for each, value in compiled.params.items() if value is not None}
    return _Prepared(name, f"PREPARE {name} AS {numbered}", f"EXECUTE {name} ({given})", fixed)


def _engine_options(config: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "pool_size": config["DATABASE_POOL_SIZE"],
        "max_overflow": 4,
        "pool_timeout": 10,
        # Values are hashes, titles, addresses: an exception that reaches the log must not carry them.
        "hide_parameters": True,
        # The tags of a page of tasks are 20 to 200 JSON values.
        "json_deserializer": orjson.loads,
    }
    if config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
        # A statement that runs this long is a fault; ending it frees the thread that waits.
        server_settings = "-c timezone=UTC -c statement_timeout=15000 -c lock_timeout=10000"
        options["connect_args"] = {"connect_timeout": 5, "options": server_settings, "application_name": "taskward"}
    return options


#: The UUID of a text. The ids of a page of tasks take a tenth of the time it takes to list it, and mostly it was listed
#: before.
uuid_of = lru_cache(maxsize=20_000)(UUID)


def _remember_ids(connection: Any, _record: Any) -> None:
    """Have the driver make a UUID once for as long as it is in use."""
    from psycopg2.extensions import new_type, register_type  # type: ignore[import-untyped]

    register_type(new_type((2950,), "UUID", lambda text, _: text and uuid_of(text)), connection)


def _replace_if_closed(connection: Any, _record: Any, _fairy: Any) -> None:
    """Have the pool open a new connection where the server has closed this one, say because it was restarted.

    A server says nothing on an idle connection but goodbye: asking the socket costs microseconds, asking the server
    (``pool_pre_ping``) a round trip.
    """
    idle = select.poll()
    idle.register(connection.fileno(), select.POLLIN)
    if idle.poll(0):
        raise exc.DisconnectionError("closed while idle")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions by itself: see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock when a unit of work starts.

    A transaction that begins by reading and writes later has to upgrade its lock, and SQLite refuses that at once,
    whatever ``busy_timeout`` says, when another writer came in between.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
