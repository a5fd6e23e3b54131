"""JSON: what has changed since, so that a device needs not read everything again and misses nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.services import tasks
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers


def changes(person: Person, since: str | None = None, limit: int = 200) -> dict[str, Any]:
    response = person.get("/tasks/changes", query_string={"limit": limit} | ({"since": since} if since else {}))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def follow(person: Person, since: str | None = None, limit: int = 200) -> tuple[list[dict[str, Any]], str]:
    """Return every change after ``since``, page by page, and the token to go on with."""
    items, more = [], True
    while more:
        page = changes(person, since, limit)
        since, more = page["next"], page["has_more"]
        items += page["items"]
    assert since
    return items, since


def test_without_a_token_everything_there_is_comes_with_the_token_for_next_time(alice: Person) -> None:
    there = [alice.make_task(title=f"Task {n}") for n in range(3)]
    assert changes(alice) == {"items": there, "next": "3", "has_more": False}
    assert changes(alice, "3") == {"items": [], "next": "3", "has_more": False}


def test_each_kind_of_change_is_told(alice: Person) -> None:
    kept, changed, trashed, deleted = (alice.make_task(title=f"Task {n}") for n in range(4))
    alice.delete(f"/tasks/{deleted['id']}")
    _, token = follow(alice)
    changed = alice.patch(f"/tasks/{changed['id']}", {"completed": True}).get_json()
    alice.delete(f"/tasks/{trashed['id']}")
    alice.delete(f"/tasks/{deleted['id']}?permanent=true")
    new = alice.make_task(title="New")
    items, _ = follow(alice, token)
    trashed = alice.get(f"/tasks/{trashed['id']}").get_json()
    assert trashed["deleted_at"]
    assert items == [changed, trashed, {"id": deleted["id"], "rev": 8, "deleted": True}, new]
    assert kept not in items


def test_a_task_that_comes_back_under_its_id_is_no_deletion_any_more(alice: Person) -> None:
    task = alice.make_task()
    for suffix in ("", "?permanent=true"):
        alice.delete(f"/tasks/{task['id']}{suffix}")
    back = alice.put(f"/tasks/{task['id']}", {"title": "Back"}).get_json()
    assert follow(alice)[0] == [back]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_cut_through_a_batch_without_losing_a_task(alice: Person, limit: int) -> None:
    create = {"op": "create", "task": {"title": "Buy milk"}}
    for size in (5, 1, 4):
        alice.post("/tasks/batch", {"operations": [create] * size})
    assert follow(alice, limit=limit)[0] == follow(alice)[0]
    assert len(follow(alice, limit=limit)[0]) == 10


@in_turn("token", ["", "x", "-1", "1.5", "1.", " 1", "1" * 19, f"1.{'g' * 32}.1", f"1.{'0' * 33}.1", f"1.{'0' * 32}"])
def test_what_is_no_token_is_422(alice: Person, token: str) -> None:
    assert pointers(alice.get("/tasks/changes", query_string={"since": token})) == ["#/since"]


def test_a_token_from_the_future_is_410(alice: Person) -> None:
    # As after a backup was restored: what the device knows never happened here.
    refused = alice.get("/tasks/changes?since=1")
    assert refused.status_code == 410
    assert refused.get_json()["type"] == "urn:taskward:problem:sync-token-expired"


def test_whoever_was_away_longer_than_deletions_are_kept_starts_again(app: Flask, alice: Person) -> None:
    kept, gone = alice.make_task(title="Kept"), alice.make_task(title="Gone")
    _, before = follow(alice)
    alice.delete(f"/tasks/{gone['id']}")
    alice.delete(f"/tasks/{gone['id']}?permanent=true")
    _, after = follow(alice)
    purge = ["tasks", "purge", "--json"]
    assert '"deleted_tasks": 0' in app.test_cli_runner().invoke(args=purge).stdout
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91)):
        assert '"deleted_tasks": 1' in app.test_cli_runner().invoke(args=purge).stdout
    assert alice.get(f"/tasks/changes?since={before}").status_code == 410
    assert changes(alice, after)["items"] == []
    assert changes(alice)["items"] == [kept]


def delete_for_good(app: Flask, person: Person, *doomed: dict[str, Any]) -> None:
    """Delete tasks together, at one revision."""
    for task in doomed:
        assert person.delete(f"/tasks/{task['id']}").status_code == 204
    with app.app_context():
        assert tasks.empty_trash(UUID(person.id)) == len(doomed)


def forget_deletions(app: Flask) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91)):
        assert '"deleted_tasks": 0' not in app.test_cli_runner().invoke(args=["tasks", "purge", "--json"]).stdout


def test_a_first_reading_in_pages_comes_to_its_end_however_many_deletions_were_forgotten(
    app: Flask, alice: Person
) -> None:
    kept = [alice.make_task(title=f"Task {n}") for n in range(5)]
    delete_for_good(app, alice, alice.make_task())
    forget_deletions(app)
    assert follow(alice, limit=2)[0] == kept


def test_a_reading_in_pages_starts_again_if_deletions_are_forgotten_meanwhile(app: Flask, alice: Person) -> None:
    first, second, third = (alice.make_task(title=f"Task {n}") for n in range(3))
    page = changes(alice, limit=1)
    assert (page["items"], page["has_more"]) == ([first], True)
    delete_for_good(app, alice, first)
    assert first["id"] not in [item["id"] for item in follow(alice, page["next"])[0] if not item.get("deleted")]
    forget_deletions(app)
    assert alice.get(f"/tasks/changes?since={page['next']}").status_code == 410
    assert follow(alice, limit=1)[0] == [second, third]


def test_of_tasks_deleted_together_none_is_missed_by_who_was_told_of_one(app: Flask, alice: Person) -> None:
    both = [alice.make_task(title=f"Task {n}") for n in range(2)]
    _, token = follow(alice)
    delete_for_good(app, alice, *both)
    page = changes(alice, token, limit=1)
    assert (len(page["items"]), page["has_more"]) == (1, True)
    forget_deletions(app)
    assert alice.get(f"/tasks/changes?since={page['next']}").status_code == 410


def test_nobody_is_told_of_other_peoples_changes(alice: Person, bob: Person) -> None:
    theirs = bob.make_task()
    bob.delete(f"/tasks/{theirs['id']}")
    bob.delete(f"/tasks/{theirs['id']}?permanent=true")
    assert changes(alice) == {"items": [], "next": "0", "has_more": False}


def test_it_costs_four_statements_however_much_changed(alice: Person, statements: list[str]) -> None:
    for _ in range(5):
        alice.make_task()
    statements.clear()
    changes(alice, "1")
    assert len(statements) == 4


def test_a_reader_misses_nothing_that_six_writers_do_at_once(alice: Person) -> None:
    over = Event()

    def write(number: int) -> None:
        for turn in range(8):
            task = alice.make_task(title=f"Task {number}.{turn}")
            if turn % 4 == 3:
                for suffix in ("", "?permanent=true"):
                    assert alice.delete(f"/tasks/{task['id']}{suffix}").status_code == 204

    def read() -> dict[str, dict[str, Any]]:
        copy: dict[str, dict[str, Any]] = {}
        token, last_round = None, False
        while True:
            items, token = follow(alice, token, limit=5)
            for item in items:
                if item.get("deleted"):
                    copy.pop(item["id"], None)
                else:
                    copy[item["id"]] = item
            if last_round:
                return copy
            last_round = over.is_set()

    with ThreadPoolExecutor(7) as pool:
        reading = pool.submit(read)
        list(pool.map(write, range(6)))
        over.set()
        copy = reading.result()
    there = alice.get("/tasks?status=all&limit=200").get_json()["items"]
    assert copy == {item["id"]: item for item in there}
    assert len(copy) == 36
