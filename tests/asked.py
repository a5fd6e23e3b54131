"""What goes past SQLAlchemy's events: the statements that are prepared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, PoolProxiedConnection

from app import prepared
from app.prepared import Statement


@contextmanager
def asked(note: Callable[[str, dict[str, Any]], object]) -> Iterator[None]:
    """Note every statement that is carried out as a prepared one, with its parameters."""
    ready = prepared._ready

    def spy(
        pooled: PoolProxiedConnection, cursor: Any, dialect: Dialect, statement: Statement, values: dict[str, Any]
    ) -> Any:
        compiled = statement.compile(dialect=dialect)
        note(str(compiled), compiled.construct_params(values))
        return ready(pooled, cursor, dialect, statement, values)

    prepared._ready = spy
    try:
        yield
    finally:
        prepared._ready = ready
