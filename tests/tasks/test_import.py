"""JSON: what an import does: adds, changes or leaves alone, once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.models import DeletedTask, Task
from tests.conftest import Count
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, export, record, send, send_json


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
