"""JSON: what a list asks of the database."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.extensions import db
from tests.people import Person
from tests.tasks.planting import plant

INDEXES = {
    "due": "ix_tasks_user_id_due_sort_id",
    "-due": "ix_tasks_user_id_due_sort_id",
    "created": "ix_tasks_user_id_created_at_id",
    "-created": "ix_tasks_user_id_created_at_id",
    "updated": "ix_tasks_user_id_updated_at_id",
    "-updated": "ix_tasks_user_id_updated_at_id",
}


@pytest.mark.parametrize("number", [0, 1, 60])
def test_a_list_costs_two_statements_however_long_it_is(
    app: Flask, alice: Person, statements: list[str], number: int
) -> None:
    if number:
        plant(app, alice.id, number)
    statements.clear()
    response = alice.get("/tasks")
    assert len(response.get_json()["items"]) == min(number, 50)
    assert len(statements) == 2, statements


def test_a_refused_query_costs_one_statement(alice: Person, statements: list[str]) -> None:
    assert alice.get("/tasks?limit=0").status_code == 422
    assert len(statements) == 1


@pytest.fixture
def sent(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Every statement sent from here on, with its parameters."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        noted.append((statement, parameters))

    with app.app_context():
        engine = db.reader
    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("sort", INDEXES)
def test_a_page_seeks_in_its_index_wherever_it_lies(
    app: Flask, alice: Person, bob: Person, sent: list[tuple[str, Any]], sort: str
) -> None:
    for person in (alice, bob):
        plant(app, person.id, 3000)
    with app.app_context(), db.read() as connection:
        connection.exec_driver_sql("ANALYZE")
    first = alice.get(f"/tasks?sort={sort}&limit=200").get_json()
    assert len(first["items"]) == 200
    sent.clear()
    assert len(alice.get(f"/tasks?sort={sort}&cursor={first['next_cursor']}").get_json()["items"]) == 50
    statement, parameters = sent[-1]
    plan = _plan(app, statement, parameters)
    seek = next(line for line in plan if INDEXES[sort] in line)
    column = INDEXES[sort].removeprefix("ix_tasks_user_id_").removesuffix("_id")
    # SQLite names the columns it seeks by beside the index, PostgreSQL on the next line.
    condition = seek if "SEARCH" in seek else plan[plan.index(seek) + 1]
    assert "SEARCH" in seek or "Index Cond" in condition
    assert "user_id" in condition
    assert column in condition
    assert not [line for line in plan if "Sort" in line or "TEMP B-TREE" in line or "Seq Scan" in line], plan


def _plan(app: Flask, statement: str, parameters: Any) -> list[str]:
    with app.app_context(), db.read() as connection:
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
