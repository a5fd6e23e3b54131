"""What a request asks of the database, and how the database goes about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.extensions import db

Sent = list[tuple[str, Any]]


@contextmanager
def recorded(app: Flask) -> Iterator[Sent]:
    """Note every statement that reads, with its parameters."""
    sent: Sent = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    with app.app_context():
        engine = db.reader
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def plan(app: Flask, statement: str, parameters: Any) -> list[str]:
    """Return the lines of the database's plan for a statement."""
    with app.app_context(), db.read() as connection:
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]


def searches(lines: list[str]) -> list[str]:
    """Return how each table is searched: the line that names the index, and with it what is sought there."""
    # SQLite names the columns it seeks by beside the index, PostgreSQL on the next line.
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(("SEARCH", "SCAN")):
            found.append(line)
        elif ("Index" in line and " Scan" in line) or "Seq Scan" in line:
            found.append(f"{line} {following}" if "Index Cond" in following else line)
    return found


def sorts(lines: list[str]) -> bool:
    """Return whether rows are put in order after they were found."""
    return any("Sort" in line or "TEMP B-TREE" in line for line in lines)
