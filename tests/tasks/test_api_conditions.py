"""JSON: writes that are meant for one version only, reads of what is known already, ids that clients choose."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person


def send(person: Person, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.client.open(person.url(path), method=method, json=json, headers=person.bearer() | named)


WRITES = [("PATCH", {"title": "Mine"}), ("PUT", {"title": "Mine"}), ("DELETE", None)]


@in_turn(("method", "body"), WRITES)
@in_turn("tag", ['"{0}"', '"999", "{0}"', "*"])
def test_a_write_meant_for_the_present_version_is_carried_out(alice: Person, method: str, body: Any, tag: str) -> None:
    task = alice.make_task()
    answer = send(alice, method, f"/tasks/{task['id']}", body, If_Match=tag.format(task["rev"]))
    assert answer.status_code in (200, 204)


@in_turn(("method", "body"), WRITES)
@in_turn("tag", ['"1"', 'W/"2"', '"x"', '""', '"1", "3"', '"99999999999999999999999"', "nonsense"])
def test_a_write_meant_for_another_version_is_412_with_the_present_one(
    alice: Person, method: str, body: Any, tag: str
) -> None:
    task = alice.make_task()
    task = alice.patch(f"/tasks/{task['id']}", {"title": "Theirs"}).get_json()
    answer = send(alice, method, f"/tasks/{task['id']}", body, If_Match=tag)
    assert answer.status_code == 412
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["type"] == "urn:taskward:problem:precondition-failed"
    assert answer.get_json()["current"] == task
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


def test_of_two_devices_that_edit_one_version_one_wins_and_the_other_is_told(app: Flask, alice: Person) -> None:
    task = alice.make_task()
    start = Barrier(4)

    def edit(number: int) -> int:
        start.wait()
        path = f"/tasks/{task['id']}"
        return send(alice, "PATCH", path, {"title": f"Edit {number}"}, If_Match=f'"{task["rev"]}"').status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(edit, range(4))) == [200, 412, 412, 412]


def test_a_task_that_is_known_already_is_not_sent_again(alice: Person) -> None:
    task = alice.make_task()
    path = f"/tasks/{task['id']}"
    tag = alice.get(path).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        answer = send(alice, "GET", path, If_None_Match=known)
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    alice.patch(path, {"title": "Buy oat milk"})
    assert send(alice, "GET", path, If_None_Match=tag).status_code == 200


def test_a_client_may_choose_the_id_and_repeat_itself(alice: Person, count: Count) -> None:
    path = f"/tasks/{uuid4()}"
    first = alice.put(path, {"title": "Buy milk", "tags": ["home"]})
    assert first.status_code == 201
    assert first.headers["Location"].endswith(path)
    assert first.headers["ETag"] == f'"{first.get_json()["rev"]}"'
    again = alice.put(path, {"title": "Buy milk", "tags": ["home"]})
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert count("tasks") == 1


def test_a_put_replaces_the_whole_task(alice: Person) -> None:
    task = alice.make_task(notes="two", priority="high", due_date="2026-11-30", tags=["home"], completed=True)
    replaced = alice.put(f"/tasks/{task['id']}", {"title": "Call"}).get_json()
    kept = ("id", "created_at")
    assert {name: replaced[name] for name in kept} == {name: task[name] for name in kept}
    assert (replaced["notes"], replaced["priority"], replaced["due_date"], replaced["tags"]) == ("", "none", None, [])
    assert not replaced["completed"]
    assert alice.get("/tasks?tag=home&status=all").get_json()["items"] == []


def test_a_put_brings_a_task_back_from_the_trash(alice: Person) -> None:
    task = alice.make_task()
    alice.delete(f"/tasks/{task['id']}")
    assert alice.put(f"/tasks/{task['id']}", {"title": "Buy milk"}).get_json()["deleted_at"] is None


def test_only_creating_is_412_where_there_is_a_task(alice: Person) -> None:
    path, body = f"/tasks/{uuid4()}", {"title": "Buy milk"}
    assert send(alice, "PUT", path, body, If_None_Match="*").status_code == 201
    assert send(alice, "PUT", path, {"title": "Other"}, If_None_Match="*").status_code == 412
    assert alice.get(path).get_json()["title"] == "Buy milk"
    assert send(alice, "PUT", f"/tasks/{uuid4()}", body, If_Match="*").status_code == 412
    assert send(alice, "PUT", path, body, If_None_Match='"1"').status_code == 400


@pytest.mark.proves("ASVS 8.2.2")
def test_the_id_of_somebody_elses_task_is_as_good_as_any(alice: Person, bob: Person, count: Count) -> None:
    theirs = bob.make_task(title="Bob's task", tags=["bobs"])
    mine = alice.put(f"/tasks/{theirs['id']}", {"title": "Alice's task", "tags": ["mine"]})
    assert mine.status_code == 201
    assert bob.get(f"/tasks/{theirs['id']}").get_json() == theirs
    assert alice.delete(f"/tasks/{theirs['id']}").status_code == 204
    assert alice.delete(f"/tasks/{theirs['id']}?permanent=true").status_code == 204
    assert bob.get(f"/tasks/{theirs['id']}").get_json() == theirs
    assert bob.get("/tasks?tag=bobs").get_json()["items"] == [theirs]
    assert count("task_tags") == 1


@in_turn("body", [{}, {"title": ""}, {"title": "x", "id": "1"}, {"title": "x", "rev": 1}])
def test_a_put_that_is_no_task_is_422(alice: Person, count: Count, body: dict[str, Any]) -> None:
    assert alice.put(f"/tasks/{uuid4()}", body).status_code == 422
    assert count("tasks") == 0


def test_only_the_trash_is_emptied_for_good(alice: Person, count: Count) -> None:
    task = alice.make_task(tags=["home"])
    path = f"/tasks/{task['id']}"
    refused = alice.delete(f"{path}?permanent=true")
    assert refused.status_code == 409
    assert "trash first" in refused.get_json()["detail"]
    alice.delete(path)
    rev = alice.get(path).get_json()["rev"]
    assert send(alice, "DELETE", f"{path}?permanent=true", If_Match='"1"').status_code == 412
    assert send(alice, "DELETE", f"{path}?permanent=true", If_Match=f'"{rev}"').status_code == 204
    assert alice.get(path).status_code == 404
    assert alice.delete(f"{path}?permanent=true").status_code == 404
    assert count("tasks") == count("task_tags") == 0
    assert alice.delete(f"{path}?permanent=perhaps").status_code == 422
