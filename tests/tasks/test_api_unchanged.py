"""JSON: a list that the client has already is 304, and costs one question."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask_migrate import upgrade  # noqa: F401 - Alembic must be loaded before time stands still

from tests.people import Person

NOON = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)


def tag(person: Person, path: str) -> str:
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


def status(person: Person, path: str, known: str) -> int:
    headers = person.bearer() | {"If-None-Match": known}
    answer = person.client.get(person.url(path), headers=headers)
    assert answer.status_code == 200 or (answer.data == b"" and answer.headers["ETag"] == known)
    return answer.status_code


@pytest.mark.parametrize("path", ["/tasks", "/tasks?limit=1&sort=-created", "/tasks?q=tag:home&count=true"])
def test_an_unchanged_list_is_304_for_one_statement(alice: Person, statements: list[str], path: str) -> None:
    for _ in range(3):
        alice.make_task(tags=["home"])
    known = tag(alice, path)
    statements.clear()
    assert status(alice, path, known) == 304
    assert len(statements) == 1


def test_any_write_of_this_person_and_of_nobody_else_makes_it_another_list(alice: Person, bob: Person) -> None:
    task = alice.make_task(due_date="2026-11-30", due_time="14:30")
    known = tag(alice, "/tasks")
    bob.make_task()
    assert status(alice, "/tasks", known) == 304
    for change in ({"title": "Buy oat milk"}, {"completed": True}):
        alice.patch(f"/tasks/{task['id']}", change)
        assert status(alice, "/tasks", known) == 200
        known = tag(alice, "/tasks")
    alice.patch(json={"timezone": "Asia/Tokyo"})
    assert status(alice, "/tasks", known) == 200


def test_no_two_lists_share_a_tag(alice: Person, bob: Person) -> None:
    for _ in range(3):
        alice.make_task(tags=["home"])
        bob.make_task(tags=["home"])
    first = alice.get("/tasks?limit=1").get_json()["next_cursor"]
    paths = [
        "",
        "?limit=1",
        "?limit=2",
        f"?limit=1&cursor={first}",
        "?status=all",
        "?tag=home",
        "?q=milk",
        "?count=true",
    ]
    tags = [tag(alice, f"/tasks{path}") for path in paths]
    assert len(set(tags)) == len(paths)


@pytest.mark.parametrize(
    ("query", "seconds", "expected"),
    [
        ("status=today", 3600, 304),
        ("status=today", 12 * 3600, 200),
        ("status=overdue", 20, 304),
        ("status=overdue", 60, 200),
        ("q=due:<today", 12 * 3600, 200),
        ("status=open", 12 * 3600, 304),
    ],
)
def test_what_depends_on_the_clock_is_known_for_as_long_as_it_is_true(
    alice: Person, query: str, seconds: int, expected: int
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        person = alice.another_sign_in()
        known = tag(person, f"/tasks?{query}")
        clock.shift(seconds)
        person = alice.another_sign_in()
        assert status(person, f"/tasks?{query}", known) == expected
