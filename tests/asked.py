"""What goes past SQLAlchemy's events: the statements that are prepared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Insert, Select

from app import database


@contextmanager
def asked(note: Callable[[str, dict[str, Any]], object]) -> Iterator[None]:
    """Note every statement that is carried out as a prepared one, with its parameters."""
    carry_out = database._carry_out_prepared

    def spy(engine: Engine, statement: Select[*tuple[Any, ...]] | Insert, values: dict[str, Any]) -> Any:
        compiled = statement.compile(dialect=engine.dialect)
        note(str(compiled), compiled.construct_params(values))
        return carry_out(engine, statement, values)

    database._carry_out_prepared = spy
    try:
        yield
    finally:
        database._carry_out_prepared = carry_out
