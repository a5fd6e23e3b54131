"""JSON: deleting and restoring a task; tasks of somebody else."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask

from tests.people import Person, make_person


def _titles(person: Person, status: str) -> list[str]:
    return [task["title"] for task in person.get(f"/tasks?status={status}").get_json()["items"]]


def test_a_deleted_task_is_in_the_trash_and_comes_back_as_it_was(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        task = carol.make_task(tags=["a"], due_date="2026-11-30", completed=True)
        path = f"/tasks/{task['id']}"
        clock.shift(60)
        response = carol.delete(path)
        assert (response.status_code, response.data) == (204, b"")
        assert "Content-Type" not in response.headers
        trashed = carol.get(path).get_json()
        stamp = {"updated_at": "2026-11-03T10:01:00Z", "rev": 2}
        assert trashed == task | stamp | {"deleted_at": "2026-11-03T10:01:00Z"}
        clock.shift(60)
        response = carol.post(f"{path}/restore")
        assert response.status_code == 200
        assert response.headers["ETag"] == '"3"'
        assert response.get_json() == task | {"updated_at": "2026-11-03T10:02:00Z", "rev": 3}
        assert carol.get(path).get_json() == response.get_json()


def test_lists_show_a_task_where_it_belongs(alice: Person) -> None:
    ids = {title: alice.make_task(title=title)["id"] for title in ("open", "done", "gone")}
    alice.patch(f"/tasks/{ids['done']}", {"completed": True})
    alice.patch(f"/tasks/{ids['gone']}", {"completed": True})
    alice.delete(f"/tasks/{ids['gone']}")
    shown = {status: _titles(alice, status) for status in ("open", "completed", "all", "trash")}
    assert shown == {"open": ["open"], "completed": ["done"], "all": ["open", "done"], "trash": ["gone"]}


def test_what_is_in_the_trash_already_stays_as_it_is(alice: Person) -> None:
    path = f"/tasks/{alice.make_task()['id']}"
    assert alice.delete(path).status_code == 204
    trashed = alice.get(path).get_json()
    assert alice.delete(path).status_code == 204
    assert alice.get(path).get_json() == trashed


def test_a_task_in_the_trash_is_not_changed(alice: Person) -> None:
    path = f"/tasks/{alice.make_task()['id']}"
    alice.delete(path)
    trashed = alice.get(path).get_json()
    for change in ({"title": "x"}, {"completed": True}, {}):
        assert alice.patch(path, change).status_code == 404
    assert alice.get(path).get_json() == trashed


def test_what_is_not_in_the_trash_is_restored_without_a_change(alice: Person) -> None:
    task = alice.make_task()
    path = f"/tasks/{task['id']}"
    assert alice.post(f"{path}/restore").get_json() == task
    alice.delete(path)
    restored = alice.post(f"{path}/restore").get_json()
    assert alice.post(f"{path}/restore").get_json() == restored
    assert restored["rev"] == task["rev"] + 2


CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore")]


@pytest.mark.parametrize(("method", "action"), CALLS)
def test_another_persons_task_is_404_under_ones_own_id_and_403_under_theirs(
    alice: Person, bob: Person, method: str, action: str
) -> None:
    task = alice.make_task(title="Private")
    body = {"title": "Stolen"} if method == "PATCH" else None
    if action:
        alice.delete(f"/tasks/{task['id']}")
    before = alice.get(f"/tasks/{task['id']}").get_json()
    own = bob.call(method, f"/tasks/{task['id']}{action}", json=body)
    assert (own.status_code, own.get_json()["type"]) == (404, "urn:taskward:problem:task-not-found")
    theirs = bob.call(method, alice.url(f"/tasks/{task['id']}{action}"), json=body)
    assert (theirs.status_code, theirs.get_json()["type"]) == (403, "urn:taskward:problem:not-the-owner")
    assert "Private" not in own.text + theirs.text
    assert alice.get(f"/tasks/{task['id']}").get_json() == before


@pytest.mark.parametrize("status", ["open", "completed", "all", "trash"])
def test_no_list_shows_another_persons_tasks(alice: Person, bob: Person, status: str) -> None:
    for completed in (False, True):
        alice.make_task(title="Private", tags=["secret"], completed=completed)
    alice.delete(f"/tasks/{alice.make_task(title='Private', tags=['secret'])['id']}")
    for query in ("", "&tag=secret", "&q=Private"):
        assert bob.get(f"/tasks?status={status}{query}").get_json() == {"items": [], "next_cursor": None}
    assert bob.get(alice.url(f"/tasks?status={status}")).status_code == 403
