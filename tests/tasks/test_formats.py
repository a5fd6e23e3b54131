"""The list of tasks in every format, chosen by suffix or Accept: filtered, in order, whole; and as iCalendar."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from icalendar import Calendar

from tests.conftest import ONE_DATABASE
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, export, send
from tests.tasks.planting import plant

SUFFIXES = ["json", "csv", "txt", "ics"]
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
}


def titles(person: Person, query: str, suffix: str, headers: dict[str, str] | None = None) -> list[str]:
    """Return the titles in a list of that format, in its order."""
    response = person.client.get(person.url(query), headers=person.bearer() | (headers or {}))
    assert response.status_code == 200, response.text
    assert response.content_type == TYPES[suffix]
    if suffix == "json":
        return [task["title"] for task in response.get_json()["items"]]
    if suffix == "csv":
        return [row["title"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]
    if suffix == "txt":
        return [" ".join(line.split(" ")[1:-1]) for line in response.text.splitlines()]
    return [str(todo["SUMMARY"]) for todo in Calendar.from_ical(response.data).todos]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_the_filters_and_the_order_of_the_list(alice: Person, suffix: str) -> None:
    for title in ("a milk", "b milk", "c"):
        alice.make_task(title=title)
    gone = alice.make_task(title="gone")
    alice.delete(f"/tasks/{gone['id']}")
    assert titles(alice, f"/tasks.{suffix}", suffix) == ["a milk", "b milk", "c"]
    assert titles(alice, f"/tasks.{suffix}?sort=-created&q=milk", suffix) == ["b milk", "a milk"]
    assert titles(alice, f"/tasks.{suffix}?status=trash", suffix) == ["gone"]
    assert titles(alice, f"/tasks.{suffix}?limit=2", suffix) == ["a milk", "b milk"]
    assert titles(alice, f"/tasks.{suffix}?q=nothing", suffix) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_all_tasks_however_many(app: Flask, alice: Person, suffix: str) -> None:
    plant(app, alice.id, 450, lambda _: {})
    found = titles(alice, f"/tasks.{suffix}?sort=created", suffix)
    assert found == [f"Task {number}" for number in range(450)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bad_parameters_are_refused_in_json(alice: Person, suffix: str) -> None:
    assert pointers(alice.get(f"/tasks.{suffix}?color=red")) == ["#/color"]
    assert pointers(alice.get(f"/tasks.{suffix}?cursor=x")) == ["#/cursor"]
    assert pointers(alice.get(f"/tasks.{suffix}?limit=0")) == ["#/limit"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_list_is_sent_while_it_is_read(app: Flask, alice: Person, statements: list[str], suffix: str) -> None:
    plant(app, alice.id, 1000)
    statements.clear()
    response = alice.get(f"/tasks.{suffix}", buffered=False)
    assert len([each for each in statements if "FROM tasks" in each]) <= 2
    assert response.data
    assert len([each for each in statements if "FROM tasks" in each]) == 5


def test_json_in_one_piece_is_the_list_and_with_a_limit_leads_on(alice: Person) -> None:
    for number in range(3):
        alice.make_task(title=str(number))
    assert alice.get("/tasks.json").get_json() == alice.get("/tasks").get_json()
    first = alice.get("/tasks.json?limit=2").get_json()
    assert first == alice.get("/tasks?limit=2").get_json()
    rest = alice.get(f"/tasks.json?cursor={first['next_cursor']}").get_json()
    assert [task["title"] for task in rest["items"]] == ["2"]
    assert alice.get("/tasks.json?q=nothing").get_json() == {"items": [], "next_cursor": None}


@ONE_DATABASE
@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("text/csv", "csv"),
        ("text/plain", "txt"),
        ("text/calendar", "ics"),
        ("application/json", "json"),
        ("*/*", "json"),
        ("", "json"),
        ("text/csv;q=0.5, text/calendar", "ics"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("image/png", "json"),  # a list one cannot show is of more use than a refusal
        ("text/csv;q=x, ;;,", "json"),
    ],
)
def test_accept_chooses_the_format_of_the_list(alice: Person, accept: str, suffix: str) -> None:
    alice.make_task(title="a")
    assert titles(alice, "/tasks?sort=created", suffix, {"Accept": accept}) == ["a"]
    response = alice.client.get(alice.url("/tasks"), headers=alice.bearer() | {"Accept": accept})
    assert response.headers["Vary"] == "Accept"


def test_a_task_is_a_to_do_of_a_calendar(alice: Person) -> None:
    alice.patch("", {"timezone": "Europe/Berlin"})
    alice = alice.another_sign_in()
    task = alice.make_task(
        title="a", notes="n\nm", priority="high", due_date="2026-12-01", due_time="09:05", tags=["t"]
    )
    alice.make_task(title="b", due_date="2026-12-02", completed=True)
    alice.make_task(title="c")
    first, second, third = Calendar.from_ical(alice.get("/tasks.ics?status=all").data).todos
    assert first["UID"] == task["id"]
    assert (str(first["DESCRIPTION"]), first["PRIORITY"], first["STATUS"]) == ("n\nm", 1, "NEEDS-ACTION")
    assert first["DUE"].dt == datetime(2026, 12, 1, 8, 5, tzinfo=UTC)
    assert first["CATEGORIES"].cats == ["t"]
    assert (second["DUE"].dt, second["STATUS"]) == (date(2026, 12, 2), "COMPLETED")
    assert second["COMPLETED"].dt.tzinfo is not None
    assert "DUE" not in third


def test_the_export_can_be_sent_back_as_a_list_of_one_task(alice: Person) -> None:
    alice.make_task(title="a")
    alice.make_task(title="b")
    file = export(alice)
    assert counts(send(alice, json.dumps(document(file["tasks"][1])))) == (0, 0, 1)
