"""JSON: what a list asks of the database."""

import pytest
from flask import Flask

from app.extensions import db
from tests.people import Person
from tests.tasks import plans
from tests.tasks.planting import plant

SORTS = {"due": "due_sort", "priority": "priority", "created": "created_at", "updated": "updated_at"}
SORTS |= {"title": "title_sort"}


@pytest.mark.parametrize("number", [0, 1, 60])
def test_a_list_costs_few_statements_however_long_it_is(
    app: Flask, alice: Person, statements: list[str], number: int
) -> None:
    with app.app_context():
        expected = 2 if not db.on_postgresql else 1 if number else 3
    if number:
        plant(app, alice.id, number)
    statements.clear()
    response = alice.get("/tasks")
    assert len(response.get_json()["items"]) == min(number, 50)
    assert len(statements) == expected, statements


def test_a_refused_query_costs_one_statement(alice: Person, statements: list[str]) -> None:
    assert alice.get("/tasks?limit=0").status_code == 422
    assert len(statements) == 1


@pytest.mark.parametrize("query", ["tag=x&tag=y&priority=high", "q=milk+-tag:x+due:%3Ctoday+is:all", "status=overdue"])
def test_filters_cost_no_statement_and_a_total_costs_one(alice: Person, statements: list[str], query: str) -> None:
    assert alice.get(f"/tasks?{query}").status_code == 200
    assert len(statements) == 2, statements
    statements.clear()
    assert alice.get(f"/tasks?{query}&count=true").status_code == 200
    assert len(statements) == 3, statements


def test_a_page_seeks_in_its_index_wherever_it_lies(app: Flask, alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        plant(app, person.id, 2000)
    with app.app_context(), db.read() as connection:
        connection.exec_driver_sql("ANALYZE tasks")
    with plans.recorded(app) as sent:
        for sort, column in [*SORTS.items(), *((f"-{name}", column) for name, column in SORTS.items())]:
            first = alice.get(f"/tasks?sort={sort}&limit=200").get_json()
            assert len(first["items"]) == 200
            sent.clear()
            assert len(alice.get(f"/tasks?sort={sort}&cursor={first['next_cursor']}").get_json()["items"]) == 50
            lines = plans.plan(app, *sent[-1])
            (search,) = plans.searches(lines)
            index, _, sought = search.partition(f"ix_tasks_user_id_{column}_id")
            assert index != search, lines
            assert "user_id" in sought, lines
            assert column in sought, lines
            assert not plans.sorts(lines), lines
