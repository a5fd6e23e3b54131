"""JSON: what an import does, and what it refuses."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.models import DeletedTask, Task
from tests.conftest import ONE_DATABASE, Count
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, export, record, send


def send_json(person: Person, file: Any, query: str = "") -> Any:
    return send(person, json.dumps(file), query=query)


def test_tasks_of_a_file_are_added_changed_or_left_alone_by_their_id(alice: Person) -> None:
    same, other = alice.make_task(title="same"), alice.make_task(title="before", tags=["a", "b"], due_date="2026-12-01")
    file = export(alice)
    file["tasks"][1] |= {"title": "after", "tags": ["b", "c"], "due_date": "2026-12-02"}
    file["tasks"].append(record(3, title="new", tags=["d"]))
    assert counts(send_json(alice, file)) == (1, 1, 1)
    assert alice.get(f"/tasks/{same['id']}").get_json() == same
    changed = alice.get(f"/tasks/{other['id']}").get_json()
    assert (changed["title"], changed["tags"], changed["due_date"]) == ("after", ["b", "c"], "2026-12-02")
    for tag, titles in (("a", []), ("b", ["after"]), ("c", ["after"]), ("d", ["new"])):
        assert [each["title"] for each in alice.get(f"/tasks?tag={tag}").get_json()["items"]] == titles
    assert [each["title"] for each in alice.get("/tasks?sort=due").get_json()["items"]] == ["after", "new", "same"]


def test_an_import_is_one_write_that_moves_the_counter_once(alice: Person) -> None:
    task = alice.make_task()
    file = document(record(1), record(2), {"id": task["id"], "title": "changed"})
    assert counts(send_json(alice, file)) == (2, 1, 0)
    revs = {each["rev"] for each in alice.get("/tasks").get_json()["items"]}
    assert revs == {task["rev"] + 1}


def test_more_tasks_than_fit_into_a_statement_are_added_and_changed(alice: Person, count: Count) -> None:
    many = [record(number, tags=["a", "b"]) for number in range(1100)]
    assert counts(send_json(alice, document(*many))) == (1100, 0, 0)
    assert counts(send_json(alice, document(*(each | {"title": "after", "tags": ["b"]} for each in many)))) == (
        0,
        1100,
        0,
    )
    assert count("tasks WHERE title = 'after'") == count("task_tags") == 1100


def test_an_import_that_changes_nothing_does_not_move_the_counter(alice: Person) -> None:
    task = alice.make_task()
    assert counts(send_json(alice, export(alice))) == (0, 0, 1)
    assert alice.make_task()["rev"] == task["rev"] + 1


def test_fields_that_a_file_leaves_out_stay(alice: Person) -> None:
    task = alice.make_task(title="before", notes="kept", tags=["kept"], completed=True)
    assert counts(send_json(alice, document({"id": task["id"], "title": "after"}))) == (0, 1, 0)
    after = alice.get(f"/tasks/{task['id']}").get_json()
    assert (after["notes"], after["tags"], after["completed_at"]) == ("kept", ["kept"], task["completed_at"])
    assert counts(send_json(alice, document({"id": task["id"], "title": "after"}))) == (0, 0, 1)


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_a_file_that_takes_a_tasks_due_date_away_takes_its_due_time_along(alice: Person, kind: str) -> None:
    task = alice.make_task(title="before", due_date="2026-12-01", due_time="09:00")
    file = json.dumps(document({"id": task["id"], "title": "after", "due_date": None}))
    if kind == "text/csv":
        file = f"id,title,due_date\n{task['id']},after,\n"
    for query in ("?dry_run=true", ""):
        assert counts(send(alice, file, kind, query)) == (0, 1, 0)
    after = alice.get(f"/tasks/{task['id']}").get_json()
    assert (after["title"], after["due_date"], after["due_time"]) == ("after", None, None)
    assert counts(send(alice, file, kind)) == (0, 0, 1)
    assert [each["id"] for each in alice.get("/tasks?sort=due").get_json()["items"]] == [task["id"]]


def test_a_file_that_leaves_the_due_date_out_cannot_give_a_due_time(alice: Person) -> None:
    task = alice.make_task()
    answer = send_json(alice, document({"id": task["id"], "title": "after", "due_time": "09:00"}))
    assert (answer.status_code, pointers(answer)) == (422, ["#/tasks/0/due_time"])


def test_times_of_a_file_are_in_the_same_years_in_utc_and_come_back(alice: Person) -> None:
    first, last = "1900-01-01T00:00:00+00:00", "9999-01-01T00:59:00+01:00"
    assert counts(send_json(alice, document(record(1, created_at=first, updated_at=last)))) == (1, 0, 0)
    assert counts(send_json(alice, export(alice))) == (0, 0, 1)
    for beyond in ("1900-01-01T00:00:00+00:01", "9998-12-31T23:59:00-00:01", "2026-01-01T00:00:00+01:60"):
        answer = send_json(alice, document(record(2, created_at=beyond)))
        assert (answer.status_code, pointers(answer)) == (422, ["#/tasks/0/created_at"])


def test_a_dry_run_says_what_would_happen_and_does_nothing(alice: Person, statements: list[str]) -> None:
    task = alice.make_task(title="before")
    file = document({"id": task["id"], "title": "after"}, record(2))
    before = export(alice)["tasks"]
    statements.clear()
    assert counts(send_json(alice, file, "?dry_run=true")) == (1, 1, 0)
    assert not [each for each in statements if each.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN"))]
    assert export(alice)["tasks"] == before
    assert send_json(alice, file, "?dry_run=true").get_json()["dry_run"] is True
    assert send_json(alice, file).get_json() == {"dry_run": False, "created": 1, "updated": 1, "unchanged": 0}


def test_the_id_of_somebody_elses_task_makes_a_task_of_ones_own(alice: Person, bob: Person) -> None:
    task = alice.make_task(title="Alice's")
    assert counts(send_json(bob, document({"id": task["id"], "title": "Bob's"}))) == (1, 0, 0)
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    assert bob.get(f"/tasks/{task['id']}").get_json()["title"] == "Bob's"


def test_a_task_that_comes_back_is_no_longer_remembered_as_deleted(app: Flask, alice: Person, count: Count) -> None:
    alice.make_task()
    file = export(alice)
    with app.app_context():
        db.session.execute(delete(Task))
        db.session.add(DeletedTask(user_id=UUID(alice.id), id=UUID(file["tasks"][0]["id"]), rev=2))
        db.session.commit()
    assert counts(send_json(alice, file)) == (1, 0, 0)
    assert count("deleted_tasks") == 0


MISTAKES = [
    ({"title": ""}, "title"),
    ({"title": "a\0b"}, "title"),
    ({"title": "a\u2028b"}, "title"),
    ({"title": 1}, "title"),
    ({"title": None}, "title"),
    ({"title": "x" * 501}, "title"),
    ({"notes": "x" * 20_001}, "notes"),
    ({"notes": "a\0"}, "notes"),
    ({"priority": "urgent"}, "priority"),
    ({"priority": 3}, "priority"),
    ({"due_date": "2026-02-30"}, "due_date"),
    ({"due_date": "1700000000"}, "due_date"),
    ({"due_date": 0}, "due_date"),
    ({"due_time": "10:00"}, "due_time"),
    ({"due_date": "2026-12-01", "due_time": "10:00:30"}, "due_time"),
    ({"tags": "home"}, "tags"),
    ({"tags": ["a b"]}, "tags/0"),
    ({"tags": ["a", 1]}, "tags/1"),
    ({"tags": [[]]}, "tags/0"),
    ({"completed_at": True}, "completed_at"),
    ({"completed_at": "1700000000"}, "completed_at"),
    ({"completed_at": 1e308}, "completed_at"),
    ({"completed_at": "2026-11-22T10:00:00"}, "completed_at"),
    ({"completed_at": "2026-11-22T10:00:00.1234567Z"}, "completed_at"),
    ({"created_at": None}, "created_at"),
    ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
    ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
    ({"updated_at": "2026-13-01T00:00:00Z"}, "updated_at"),
    ({"id": "x"}, "id"),
    ({"id": None}, "id"),
    ({"id": 10**30}, "id"),
    ({"completed": True}, "completed"),
    ({"rev": 1}, "rev"),
    ({"user_id": "00000000-0000-4000-8000-000000000000"}, "user_id"),
    ({"a/b~c": 1}, "a~1b~0c"),
]


@ONE_DATABASE
@in_turn(("fields", "place"), MISTAKES, ids=lambda each: str(each)[:40])
def test_a_mistake_is_named_by_its_place_and_nothing_is_imported(
    alice: Person, count: Count, fields: dict[str, Any], place: str
) -> None:
    file = document(record(1), record(2, **fields))
    for query in ("?dry_run=true", ""):
        assert pointers(send_json(alice, file, query)) == [f"#/tasks/1/{place}"]
    assert count("tasks") == 0


def test_an_id_and_a_title_are_all_a_task_needs(alice: Person) -> None:
    assert pointers(send_json(alice, document({}, {"title": "x"}, record(3)))) == [
        "#/tasks/0/id",
        "#/tasks/0/title",
        "#/tasks/1/id",
    ]
    assert counts(send_json(alice, document(record(3)))) == (1, 0, 0)


def test_all_mistakes_are_named_up_to_a_hundred(alice: Person) -> None:
    places = pointers(send_json(alice, document(*(record(number, title="") for number in range(60)))))
    assert places == [f"#/tasks/{number}/title" for number in range(60)]
    places = pointers(send_json(alice, document(*(record(number, title="", notes=1) for number in range(1000)))))
    assert len(places) == 100
    assert places[-1] == "#/tasks/49/notes"


def test_the_same_id_twice_is_a_mistake(alice: Person) -> None:
    assert pointers(send_json(alice, document(record(1), record(2), record(1)))) == ["#/tasks/2/id"]


@in_turn(
    ("file", "place"),
    [
        ([], "format"),
        ("taskward", "format"),
        ({}, "format"),
        ({"format": "todoist", "format_version": 1, "tasks": []}, "format"),
        ({"format": "taskward", "tasks": []}, "format_version"),
        (document(format_version="1"), "format_version"),
        (document(format_version=True), "format_version"),
        (document(format_version=1.0), "format_version"),
        (document(format_version=0), "format_version"),
        ({"format": "taskward", "format_version": 1}, "tasks"),
        (document() | {"tasks": {}}, "tasks"),
        (document() | {"tasks": None}, "tasks"),
        (document(1), "tasks/0"),
        (document(record(1), []), "tasks/1"),
        (document(None), "tasks/0"),
    ],
)
def test_what_is_no_export_is_refused(alice: Person, file: Any, place: str) -> None:
    assert pointers(send_json(alice, file)) == [f"#/{place}"]


def test_an_export_of_a_newer_version_says_that_this_server_is_too_old(alice: Person) -> None:
    response = send_json(alice, document(record(1), format_version=2))
    assert pointers(response) == ["#/format_version"]
    assert "A newer Taskward made this export" in response.get_json()["detail"]


def test_other_content_types_are_refused_by_name(alice: Person) -> None:
    for kind in ("application/xml", "multipart/form-data", ""):
        response = send(alice, "{}", kind)
        assert response.status_code == 415
        assert "text/csv" in response.get_json()["detail"]


def test_unknown_parameters_are_refused(alice: Person) -> None:
    assert pointers(send_json(alice, document(), "?dry-run=true")) == ["#/dry-run"]
    assert pointers(send_json(alice, document(), "?dry_run=perhaps")) == ["#/dry_run"]


def test_two_imports_of_the_same_file_at_once_make_each_task_once(app: Flask, alice: Person, count: Count) -> None:
    file = json.dumps(document(*(record(number, tags=["a"]) for number in range(50))))
    start = threading.Barrier(4)

    def work(_: int) -> tuple[int, int, int]:
        start.wait()
        return counts(send(alice, file))

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(work, range(4)))
    assert sorted(outcomes) == [(0, 0, 50)] * 3 + [(50, 0, 0)]
    assert count("tasks") == count("task_tags") == 50
