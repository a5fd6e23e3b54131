"""JSON: changing, completing and reopening a task; the counter of a person's writes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person, make_person
from tests.problems import pointers

FULL = {
    "notes": "two bottles",
    "priority": "low",
    "due_date": "2026-11-30",
    "due_time": "18:00",
    "tags": ["shop", "food"],
}


@in_turn(
    "change",
    [
        {"title": "Buy oat milk"},
        {"notes": ""},
        {"priority": "high"},
        {"due_date": "2026-12-01"},
        {"due_time": "07:45"},
        {"tags": ["food"]},
        {"tags": ["food", "shop"]},
        {"tags": []},
        {"title": "a", "notes": "b", "tags": ["c"]},
    ],
    ids=str,
)
def test_a_change_sets_what_it_names_and_leaves_the_rest(alice: Person, change: dict[str, Any]) -> None:
    task = alice.make_task(**FULL)
    response = alice.patch(f"/tasks/{task['id']}", change)
    assert response.status_code == 200
    changed = response.get_json()
    due_at = f"{changed['due_date']}T{changed['due_time']}:00Z"
    assert changed == task | change | {"rev": task["rev"] + 1, "updated_at": changed["updated_at"], "due_at": due_at}
    assert response.headers["ETag"] == f'"{changed["rev"]}"'
    assert alice.get(f"/tasks/{task['id']}").get_json() == changed


@pytest.mark.parametrize(
    ("change", "left"),
    [
        pytest.param({"due_time": None}, ("2026-11-30", None), id="time"),
        pytest.param({"due_date": None, "due_time": None}, (None, None), id="both"),
    ],
)
def test_null_clears_when_it_is_due(alice: Person, change: dict[str, None], left: tuple[str | None, None]) -> None:
    task = alice.make_task(**FULL)
    changed = alice.patch(f"/tasks/{task['id']}", change).get_json()
    assert (changed["due_date"], changed["due_time"]) == left
    assert alice.get(f"/tasks/{task['id']}").get_json() == changed


@pytest.mark.parametrize(
    ("before", "change"),
    [
        pytest.param({"due_date": "2026-11-30", "due_time": "10:00"}, {"due_date": None}, id="date taken away"),
        pytest.param({}, {"due_time": "10:00"}, id="time added"),
        pytest.param({"due_date": "2026-11-30"}, {"due_date": None, "due_time": "10:00"}, id="date for time"),
    ],
)
def test_no_change_leaves_a_due_time_without_a_date(
    alice: Person, before: dict[str, Any], change: dict[str, Any]
) -> None:
    task = alice.make_task(**before)
    assert pointers(alice.patch(f"/tasks/{task['id']}", change)) == ["#/due_time"]
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    assert alice.make_task()["rev"] == task["rev"] + 1


@in_turn("field", ["title", "notes", "priority", "tags", "completed"])
def test_null_is_refused_where_a_task_must_have_a_value(alice: Person, field: str) -> None:
    task = alice.make_task(**FULL)
    assert pointers(alice.patch(f"/tasks/{task['id']}", {field: None})) == [f"#/{field}"]
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


@pytest.mark.parametrize("change", [{}, FULL, {"title": " Buy milk "}, {"tags": ["Shop", "FOOD"]}], ids=str)
def test_a_change_that_changes_nothing_is_no_write(app: Flask, change: dict[str, Any]) -> None:
    with time_machine.travel(datetime(2026, 11, 3, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        task = carol.make_task(**FULL)
        clock.shift(60)
        response = carol.patch(f"/tasks/{task['id']}", change)
        assert response.status_code == 200
        assert response.get_json() == task
        assert carol.get(f"/tasks/{task['id']}").get_json() == task
        assert carol.make_task()["rev"] == task["rev"] + 1


def test_completing_keeps_the_first_time_and_reopening_forgets_it(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        task = carol.make_task()
        path = f"/tasks/{task['id']}"
        clock.shift(60)
        done = carol.patch(path, {"completed": True}).get_json()
        assert (done["completed"], done["completed_at"]) == (True, "2026-11-03T10:01:00Z")
        assert done["updated_at"] == "2026-11-03T10:01:00Z"
        assert done["created_at"] == "2026-11-03T10:00:00Z"
        clock.shift(60)
        assert carol.patch(path, {"completed": True}).get_json() == done
        renamed = carol.patch(path, {"completed": True, "title": "Bought milk"}).get_json()
        assert renamed["completed_at"] == "2026-11-03T10:01:00Z"
        assert renamed["updated_at"] == "2026-11-03T10:02:00Z"
        reopened = carol.patch(path, {"completed": False}).get_json()
        assert (reopened["completed"], reopened["completed_at"]) == (False, None)
        clock.shift(60)
        again = carol.patch(path, {"completed": True}).get_json()
        assert again["completed_at"] == "2026-11-03T10:03:00Z"


def test_every_write_raises_the_counter_by_one(alice: Person) -> None:
    task, other = alice.make_task(), alice.make_task()
    assert (task["rev"], other["rev"]) == (1, 2)
    path = f"/tasks/{task['id']}"
    assert alice.patch(path, {"title": "x"}).get_json()["rev"] == 3
    assert alice.patch(path, {"completed": True}).get_json()["rev"] == 4
    assert alice.delete(path).status_code == 204
    assert alice.get(path).get_json()["rev"] == 5
    assert alice.post(f"{path}/restore").get_json()["rev"] == 6
    assert alice.get(f"/tasks/{other['id']}").get_json()["rev"] == 2


def test_reading_and_refusals_leave_the_counter_alone(alice: Person) -> None:
    path = f"/tasks/{alice.make_task()['id']}"
    nobody = "/tasks/01900000-0000-7000-8000-000000000000"
    for response, status in (
        (alice.get("/tasks"), 200),
        (alice.get(path), 200),
        (alice.post("/tasks", {"title": ""}), 422),
        (alice.patch(path, {"title": ""}), 422),
        (alice.patch(nobody, {"title": "x"}), 404),
        (alice.delete(nobody), 404),
        (alice.post(f"{nobody}/restore"), 404),
        (alice.post(f"{path}/restore"), 200),
    ):
        assert response.status_code == status
    assert alice.make_task()["rev"] == 2


def test_each_person_has_a_counter_of_their_own(alice: Person, bob: Person) -> None:
    assert [alice.make_task()["rev"] for _ in range(3)] == [1, 2, 3]
    assert bob.make_task()["rev"] == 1


def test_writes_of_one_person_at_the_same_moment_are_numbered_without_gaps(alice: Person, count: Count) -> None:
    def write(number: int) -> int:
        rev: int = alice.make_task(title=f"Task {number}", tags=["a", "b"])["rev"]
        return rev

    with ThreadPoolExecutor(8) as pool:
        revs = list(pool.map(write, range(64)))
    assert sorted(revs) == list(range(1, 65))
    assert (count("tasks"), count("task_tags")) == (64, 128)


def test_changes_of_one_task_at_the_same_moment_all_arrive(alice: Person) -> None:
    path = f"/tasks/{alice.make_task()['id']}"
    changes = [{"title": "x"}, {"notes": "y"}, {"priority": "high"}, {"tags": ["z"]}, {"completed": True}]
    with ThreadPoolExecutor(len(changes)) as pool:
        revs = [response.get_json()["rev"] for response in pool.map(lambda change: alice.patch(path, change), changes)]
    assert sorted(revs) == [2, 3, 4, 5, 6]
    task = alice.get(path).get_json()
    assert (task["title"], task["notes"], task["priority"], task["tags"]) == ("x", "y", "high", ["z"])
    assert (task["completed"], task["rev"]) == (True, 6)
