"""JSON: a request whose answer was lost can be sent again under its Idempotency-Key, and nothing is doubled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import time_machine
from werkzeug.test import TestResponse

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person

MILK = {"title": "Buy milk", "tags": ["home"]}


def send(person: Person, key: str, body: Any = MILK, path: str = "/tasks") -> TestResponse:
    headers = person.bearer() | {"Idempotency-Key": key}
    return person.client.post(person.url(path), json=body, headers=headers)


def test_a_repeated_creation_is_answered_again_and_done_once(alice: Person, count: Count) -> None:
    first, again = send(alice, "key-1"), send(alice, '"key-1"')
    assert first.status_code == again.status_code == 201
    assert first.get_json() == again.get_json()
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count("tasks") == 1
    assert send(alice, "key-2").get_json()["id"] != first.get_json()["id"]
    assert [task["rev"] for task in alice.get("/tasks").get_json()["items"]] == [1, 2]


def test_a_repetition_shows_the_task_as_it_is_by_now(alice: Person) -> None:
    task = send(alice, "key").get_json()
    changed = alice.patch(f"/tasks/{task['id']}", {"title": "Buy oat milk"}).get_json()
    assert send(alice, "key").get_json() == changed
    alice.delete(f"/tasks/{task['id']}")
    assert send(alice, "key").get_json()["deleted_at"]
    alice.delete(f"/tasks/{task['id']}?permanent=true")
    assert send(alice, "key").status_code == 404


def test_a_key_is_good_for_one_request_of_one_person(alice: Person, bob: Person, count: Count) -> None:
    send(alice, "key")
    refused = send(alice, "key", {"title": "Call the dentist"})
    assert refused.status_code == 422
    assert "another request" in refused.get_json()["detail"]
    assert send(alice, "key", {"operations": [{"op": "create", "task": MILK}]}, "/tasks/batch").status_code == 422
    assert send(bob, "key").status_code == 201
    assert count("tasks") == 2


@in_turn("key", ["", '"', '""', "x" * 256, "a b", "é", '"a\\"'])
def test_what_is_no_key_is_400(alice: Person, count: Count, key: str) -> None:
    assert send(alice, key).status_code == 400
    assert count("tasks") == 0


def test_a_refused_request_leaves_its_key_free(alice: Person) -> None:
    assert send(alice, "key", {"title": "x", "due_time": "14:30"}).status_code == 422
    assert send(alice, "key").status_code == 201


def test_a_key_is_kept_for_a_day(alice: Person, count: Count) -> None:
    send(alice, "key")
    soon = datetime.now(UTC) + timedelta(hours=24, minutes=1)
    with time_machine.travel(soon):
        assert send(alice.another_sign_in(), "key", {"title": "Another day"}).status_code == 201
    assert count("tasks") == 2


def test_sent_six_times_at_once_it_is_done_once(alice: Person, count: Count) -> None:
    for number in range(5):
        start = Barrier(6)

        def together(_: int, start: Barrier = start, key: str = f"key-{number}") -> TestResponse:
            start.wait()
            return send(alice, key)

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(together, range(6)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert count("tasks") == 5
