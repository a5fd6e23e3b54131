"""Statements that PostgreSQL plans once for each connection, sent to its driver past SQLAlchemy."""

import hashlib
import math
import re
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection, Select, UpdateBase, exc

from app.signals import waiting

Statement = Select[*tuple[Any, ...]] | UpdateBase
Parameters = dict[str, Any]
Rows = Sequence[Sequence[Any]]

#: Seconds that a round trip takes where the database, or its disk, is far enough for others to be answered meanwhile.
FAR = 0.0005


class RoundTrips:
    """Round trips of one kind: whether others should go on while there is one."""

    def __init__(self, shortest: float) -> None:
        """Begin as if none had taken less than ``shortest`` seconds."""
        # The shortest of late: each makes it forget a thousandth.
        self._shortest = shortest

    def begin(self) -> None:
        """Send `waiting` if they go `FAR`; to be called before one."""
        if self._shortest > FAR:
            waiting.send()

    def end(self, began: float) -> None:
        """Take note of one that began at this `time.perf_counter`."""
        self._shortest = min(self._shortest * 1.001, time.perf_counter() - began)


class Pipeline:
    """A unit of work on a connection: what need not be sent alone, BEGIN and COMMIT too, goes with what must."""

    def __init__(self, pooled: PoolProxiedConnection, dialect: Dialect) -> None:
        self._pooled, self._cursor, self._dialect = pooled, pooled.cursor(), dialect
        self._waiting = [b"BEGIN"]
        self._driver.autocommit = True  # it would send a BEGIN by itself; this only tells it not to

    def execute(self, statement: Statement, parameters: Parameters) -> Rows:
        """Carry out a statement, after those that wait, and return its rows."""
        self.execute_later(statement, parameters)
        self._cursor.execute(b";".join(self._waiting))
        self._waiting.clear()
        return self._cursor.fetchall()

    def execute_later(self, statement: Statement, parameters: Parameters) -> None:
        """Have a statement wait for the next that cannot."""
        text, parameters = _ready(self._pooled, self._cursor, self._dialect, statement, parameters)
        self._waiting.append(self._cursor.mogrify(text, parameters))

    def commit(self) -> None:
        """Carry out what waits, and commit."""
        self._end(*self._waiting, b"COMMIT")

    def rollback(self) -> None:
        """Take back what was carried out, and forget what waits."""
        self._end(b"ROLLBACK")

    def _end(self, *statements: bytes) -> None:
        self._cursor.execute(b";".join(statements))
        self._driver.autocommit = False

    @property
    def _driver(self) -> Any:
        return self._pooled.dbapi_connection


class Connections:
    """Connections of an engine that commits by itself, of which one stays out of the pool for the next statement.

    To take it from SQLAlchemy's pool and give it back took a twelfth of the time of the shortest requests.
    """

    def __init__(self, engine: Engine) -> None:
        """Begin with none."""
        self._engine = engine
        self._spare: list[PoolProxiedConnection] = []
        self._reads = RoundTrips(FAR / 2)
        #: Round trips that end in a commit, here and elsewhere. Nobody takes the time of SQLite's: they count as long.
        self.commits = RoundTrips(math.inf)

    def execute(self, statement: Statement, parameters: Parameters, *, writes: bool = False) -> Rows:
        """Carry out a statement; return its rows."""
        kind = self.commits if writes else self._reads
        kind.begin()
        pooled = self._take()
        try:
            cursor = pooled.cursor()
            ready = _ready(pooled, cursor, self._engine.dialect, statement, parameters)
            began = time.perf_counter()
            cursor.execute(*ready)
            kind.end(began)
            rows = cursor.fetchall()
        except BaseException:
            pooled.invalidate()
            raise
        if self._spare:
            pooled.close()
        else:
            self._spare.append(pooled)
        return rows

    def dispose(self) -> None:
        """Give the connection back to the pool."""
        while self._spare:
            self._spare.pop().close()

    def _take(self) -> PoolProxiedConnection:
        try:
            pooled = self._spare.pop()
        except IndexError:
            return self._engine.raw_connection()
        if not is_closed(pooled):
            return pooled
        pooled.invalidate()
        return self._engine.raw_connection()


def watch_for_close(connection: Any, record: Any) -> None:
    """Prepare to be asked whether the server has closed a connection; listens to the pool's ``connect``."""
    record.info["close"] = watched = select.poll()
    watched.register(connection.fileno(), select.POLLIN)


def is_closed(pooled: Any) -> bool:
    """Tell whether the server has closed a connection, say because it was restarted.

    A server says nothing on an idle connection but goodbye: asking the socket costs microseconds, asking the server
    (``pool_pre_ping``) a round trip.
    """
    return bool(pooled.info["close"].poll(0))


@contextmanager
def sqlalchemy_errors(dialect: Dialect, what: object) -> Iterator[None]:
    """Make of an error of the driver the one that SQLAlchemy makes of it; it names what was carried out."""
    driver: Any = dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        kind = next(each.__name__ for each in type(error).__mro__ if hasattr(exc, each.__name__))
        raise getattr(exc, kind)(str(what), None, error, hide_parameters=True) from error


@dataclass(frozen=True, slots=True)
class _Prepared:
    name: str
    prepare: str
    execute: str
    #: Values of parameters that are part of the statement.
    fixed: Parameters
    #: By names of parameters, what makes of a value one that the driver takes: of JSON, its text.
    processors: Sequence[tuple[str, Callable[[Any], Any]]]


def _ready(
    pooled: PoolProxiedConnection, cursor: Any, dialect: Dialect, statement: Statement, parameters: Parameters
) -> tuple[str, Parameters]:
    """Return what carries out the statement on a connection, on which it is prepared if it was not yet."""
    prepared = _prepared(statement, dialect)
    if prepared.name not in pooled.info:
        cursor.execute(prepared.prepare)
        pooled.info[prepared.name] = True
    parameters = prepared.fixed | parameters
    for name, process in prepared.processors:
        parameters[name] = process(parameters[name])
    return prepared.execute, parameters


_PARAMETER = re.compile(r"%\((\w+)\)s")


@lru_cache(maxsize=512)
def _prepared(statement: Statement, dialect: Dialect) -> _Prepared:
    """Return what prepares the statement on a connection (PostgreSQL's PREPARE), and what carries it out there."""
    compiled = statement.compile(dialect=dialect)
    sql = str(compiled)
    names = list(dict.fromkeys(_PARAMETER.findall(sql)))
    numbered = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", sql).replace("%%", "%")
    name = f"taskward_{hashlib.sha256(sql.encode()).hexdigest()[:16]}"
    given = f"({', '.join(f'%({each})s' for each in names)})" if names else ""
    fixed = {each: value for each, value in compiled.params.items() if value is not None}
    made = ((each, bind.type.dialect_impl(dialect).bind_processor(dialect)) for each, bind in compiled.binds.items())
    processors = [(each, processor) for each, processor in made if processor and each in names]
    return _Prepared(name, f"PREPARE {name} AS {numbered}", f"EXECUTE {name} {given}", fixed, processors)
