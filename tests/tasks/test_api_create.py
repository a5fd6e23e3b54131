"""JSON: creating and reading a task."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person, make_person

NOW = datetime(2026, 11, 3, 10, 15, 30, 987_654, tzinfo=UTC)

EVERYTHING = {
    "title": "Call the dentist",
    "notes": "Ask about\nthe bill",
    "priority": "high",
    "due_date": "2026-11-30",
    "due_time": "09:05",
    "tags": ["health", "phone"],
    "completed": False,
}


def test_a_task_needs_nothing_but_a_title_and_shows_every_field(app: Flask) -> None:
    with time_machine.travel(NOW, tick=False):
        response = make_person(app, "carol@example.org").post("/tasks", {"title": "Buy milk"})
    assert response.status_code == 201
    task = response.get_json()
    assert UUID(task.pop("id")).version == 7
    assert task == {
        "title": "Buy milk",
        "notes": "",
        "priority": "none",
        "due_date": None,
        "due_time": None,
        "due_at": None,
        "tags": [],
        "completed": False,
        "completed_at": None,
        "deleted_at": None,
        "created_at": "2026-11-03T10:15:30Z",
        "updated_at": "2026-11-03T10:15:30Z",
        "rev": 1,
    }


def test_everything_given_is_kept(alice: Person) -> None:
    task = alice.make_task(**EVERYTHING)
    assert {name: task[name] for name in EVERYTHING} == EVERYTHING
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


def test_the_answer_says_where_the_task_is_and_which_version(alice: Person) -> None:
    response = alice.post("/tasks", {"title": "Buy milk"})
    task = response.get_json()
    assert response.headers["Location"] == alice.url(f"/tasks/{task['id']}")
    assert response.headers["ETag"] == f'"{task["rev"]}"'
    shown = alice.get(response.headers["Location"])
    assert shown.status_code == 200
    assert shown.get_json() == task
    assert shown.headers["ETag"] == response.headers["ETag"]


def test_a_task_can_be_created_completed(alice: Person) -> None:
    task = alice.make_task(completed=True)
    assert task["completed"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", task["completed_at"])
    assert task["completed_at"] == task["created_at"]


@in_turn("priority", ["none", "low", "medium", "high"])
def test_each_priority_goes_by_its_name(alice: Person, priority: str) -> None:
    task = alice.make_task(priority=priority)
    assert alice.get(f"/tasks/{task['id']}").get_json()["priority"] == priority


@in_turn(
    ("field", "given", "kept"),
    [
        pytest.param("title", "  Buy\u00a0milk \n", "Buy\u00a0milk", id="title trimmed"),
        pytest.param("title", "x", "x", id="shortest title"),
        pytest.param("title", "x" * 500, "x" * 500, id="longest title"),
        pytest.param("title", f" {'x' * 500} ", "x" * 500, id="longest title after trimming"),
        pytest.param("title", "\U0001f95b" * 500, "\U0001f95b" * 500, id="a limit counts characters"),
        pytest.param("title", "e\u0301", "\u00e9", id="title composed"),
        pytest.param("title", "e" + "\u0301" * 30, "\u00e9" + "\u0301" * 29, id="title with many accents"),
        pytest.param("title", "Robert'); DROP TABLE tasks;--", "Robert'); DROP TABLE tasks;--", id="quotes"),
        pytest.param("title", "100% \\ _ <b>&amp;", "100% \\ _ <b>&amp;", id="nothing escaped"),
        pytest.param("notes", "a\r\nb\rc\nd", "a\nb\nc\nd", id="line ends of every system"),
        pytest.param("notes", "  indented\n\ttab  ", "  indented\n\ttab  ", id="notes as typed"),
        pytest.param("notes", "x" * 20_000, "x" * 20_000, id="longest notes"),
        pytest.param("tags", ["Home", "HOME", "home"], ["home"], id="tags without case, each once"),
        pytest.param("tags", ["b", "a", "b"], ["b", "a"], id="tags in the order given"),
        pytest.param("tags", [" padded "], ["padded"], id="tag trimmed"),
        pytest.param("tags", ["\u00fcber-wichtig_2"], ["\u00fcber-wichtig_2"], id="tag of any script"),
        pytest.param("tags", ["x" * 50], ["x" * 50], id="longest tag"),
        pytest.param("tags", [f"t{n}" for n in range(50)], [f"t{n}" for n in range(50)], id="most tags"),
        pytest.param("due_date", "2028-02-29", "2028-02-29", id="leap day"),
        pytest.param("due_date", "1900-01-01", "1900-01-01", id="first date"),
        pytest.param("due_date", "9998-12-31", "9998-12-31", id="last date"),
    ],
)
def test_a_value_is_kept_as(alice: Person, field: str, given: Any, kept: Any) -> None:
    task = alice.make_task(**{field: given})
    assert task[field] == kept
    assert alice.get(f"/tasks/{task['id']}").get_json()[field] == kept


@pytest.mark.parametrize(("given", "kept"), [("00:00", "00:00"), ("23:59", "23:59"), ("14:30:00", "14:30")])
def test_a_due_time_is_hours_and_minutes(alice: Person, given: str, kept: str) -> None:
    task = alice.make_task(due_date="2026-11-30", due_time=given)
    assert task["due_time"] == kept


def test_the_longest_honest_body_is_accepted(alice: Person) -> None:
    body = '{"title": "x", "notes": "' + r"\ud83e\udd5b" * 20_000 + '"}'
    response = alice.call("POST", "/tasks", data=body, content_type="application/json")
    assert response.status_code == 201
    assert response.get_json()["notes"] == "\U0001f95b" * 20_000


def test_merge_patch_is_a_json_type_too(alice: Person) -> None:
    task = alice.make_task()
    response = alice.call(
        "PATCH",
        f"/tasks/{task['id']}",
        data='{"title": "y"}',
        content_type="application/merge-patch+json; charset=utf-8",
    )
    assert response.get_json()["title"] == "y"


def test_a_refused_task_leaves_nothing_behind(alice: Person, count: Count) -> None:
    assert alice.post("/tasks", {"title": "x", "tags": ["a"], "due_time": "10:00"}).status_code == 422
    assert (count("tasks"), count("task_tags")) == (0, 0)
    assert alice.make_task()["rev"] == 1


@in_turn("method", ["GET", "PATCH", "DELETE"])
@in_turn("task_id", ["1", "not-a-uuid", "00000000-0000-0000-0000-00000000000g", "%00", "..%2f"])
def test_an_id_that_is_no_uuid_is_404(alice: Person, method: str, task_id: str) -> None:
    response = alice.call(method, f"/tasks/{task_id}", json={} if method == "PATCH" else None)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_nobody_has_is_404(alice: Person, method: str) -> None:
    path = "/tasks/01900000-0000-7000-8000-000000000000"
    response = alice.call(method, path, json={"title": "x"} if method == "PATCH" else None)
    assert response.status_code == 404
    assert response.get_json()["type"] == "urn:taskward:problem:task-not-found"


def test_what_is_missing_or_impossible_is_refused_in_plain_words(alice: Person) -> None:
    for title in ("", "  "):
        (error,) = alice.post("/tasks", {"title": title}).get_json()["errors"]
        assert error == {"pointer": "#/title", "detail": "This must not be empty."}
    (error,) = alice.post("/tasks", {"title": "x", "due_date": "2026-02-30"}).get_json()["errors"]
    assert error["detail"] == "There is no such date. Use one like 2026-11-03."
    (error,) = alice.post("/tasks", {"title": "x", "due_date": "2026-02-03", "due_time": "24:00"}).get_json()["errors"]
    assert error["detail"] == "There is no such time. Use one like 14:30."
