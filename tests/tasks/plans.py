"""What a request asks of the database, and how the database goes about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.extensions import db
from tests.asked import asked

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
    with asked(lambda statement, values: sent.append((statement, values))):
        yield sent
    event.remove(engine, "before_cursor_execute", note)


def plan(app: Flask, statement: str, parameters: Any) -> list[str]:
    """Return the lines of the database's plan for a statement."""
    with app.app_context(), db.read() as connection:
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]


def prepared_plan(app: Flask, statement: str) -> list[str]:
    """Return the lines of the plan that PostgreSQL makes once for all values of a prepared statement's parameters."""
    with app.app_context(), db.read() as connection:
        numbers = count(1)
        numbered = re.sub(r"%\(\w+\)s", lambda _: f"${next(numbers)}", statement)
        return [str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {numbered}")]


def searches(lines: list[str], table: str = "task") -> list[str]:
    """Return how tasks and tags, or others, are searched: the line that names the index, with what is sought there."""
    # SQLite names the columns it seeks by beside the index, PostgreSQL on the next line.
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(("SEARCH", "SCAN")):
            found.append(line)
        elif ("Index" in line and " Scan" in line) or "Seq Scan" in line:
            found.append(f"{line} {following}" if "Index Cond" in following else line)
    # One statement may ask who is asking, too.
    return [each for each in found if table in each]


def sorts(lines: list[str]) -> bool:
    """Return whether rows are put in order after they were found."""
    return any("Sort" in line or "TEMP B-TREE" in line for line in lines)
