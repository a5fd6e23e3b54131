"""``flask seed-demo``."""

import json
from collections import Counter
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services import bulk
from app.services.errors import InvalidInput, UserNotFound
from tests.cli.conftest import Command
from tests.conftest import Count
from tests.people import Person


def test_the_demo_account_signs_in_with_the_password_printed_once(flask: Command, client: FlaskClient) -> None:
    made = json.loads(flask("seed-demo --json").stdout)
    assert made.keys() == {"email", "user_id", "password", "tasks_added"}
    credentials = {"email": made["email"], "password": made["password"]}
    assert client.post("/api/auth/login", json=credentials).get_json()["user_id"] == made["user_id"]


@pytest.mark.proves("ASVS 6.3.2")
def test_every_demo_account_has_another_password(flask: Command) -> None:
    printed = [flask(f"seed-demo --tasks 0 --email demo{number}@example.org").stdout for number in range(2)]
    passwords = {text.split()[-1] for text in printed}
    assert len(passwords) == 2
    assert all(len(password) >= 20 for password in passwords)


def test_demo_tasks_are_varied_and_the_api_finds_them(flask: Command, client: FlaskClient) -> None:
    made = json.loads(flask("seed-demo --tasks 60 --json").stdout)
    credentials = {"email": made["email"], "password": made["password"]}
    token = client.post("/api/auth/login", json=credentials).get_json()["access_token"]

    def listed(query: str) -> list[dict[str, object]]:
        address = f"/api/users/{made['user_id']}/tasks?limit=200&{query}"
        found = client.get(address, headers={"Authorization": f"Bearer {token}"}).get_json()["items"]
        assert isinstance(found, list)
        return found

    tasks = listed("status=open") + listed("status=completed") + listed("status=trash")
    assert [len(listed(f"status={status}")) for status in ("open", "completed", "trash")] == [36, 18, 6]
    assert len({task["title"] for task in tasks}) == 60
    for field in ("notes", "priority", "due_date", "due_time", "tags"):
        assert len({str(task[field]) for task in tasks}) > 1, field
    tag, _ = Counter(str(name) for task in tasks for name in task["tags"]).most_common(1)[0]  # type: ignore[attr-defined]
    assert all(tag in task["tags"] for task in listed(f"status=all&tag={tag}"))  # type: ignore[operator]
    assert listed(f"status=all&tag={tag}")


def test_an_existing_account_is_left_alone(flask: Command, count: Count) -> None:
    flask("seed-demo --tasks 1")
    result = flask("seed-demo --json")
    assert (result.exit_code, result.stdout, count("tasks")) == (1, "", 1)
    assert "--add" in result.stderr


def test_tasks_are_added_to_an_existing_account_when_asked(flask: Command, count: Count) -> None:
    first = json.loads(flask("seed-demo --tasks 1 --add --json").stdout)
    second = json.loads(flask("seed-demo --tasks 4500 --add --json").stdout)
    assert first["password"]
    assert second == first | {"password": None, "tasks_added": 4500}
    assert (count("tasks"), count("users")) == (4501, 1)


@pytest.mark.parametrize(("words", "code"), [("--tasks -1", 2), ("--tasks many", 2), ("--email nonsense", 1)])
def test_seed_demo_refuses(flask: Command, count: Count, words: str, code: int) -> None:
    result = flask(f"seed-demo {words}")
    assert (result.exit_code, result.stdout, count("users")) == (code, "", 0)


def test_a_bulk_write_raises_the_owners_counter_once_and_stamps_it(app: Flask, alice: Person) -> None:
    before = alice.make_task()["rev"]
    with app.app_context():
        assert bulk.create_many(UUID(alice.id), [{"title": "One", "tags": ["a"]}, {"title": "Two"}]) == 2
        assert bulk.create_many(UUID(alice.id), []) == 0
    items = alice.get("/tasks?sort=created").get_json()["items"]
    assert [task["rev"] - before for task in items] == [0, 1, 1]
    assert alice.make_task()["rev"] > before + 1


@pytest.mark.proves("ASVS 2.3.3")
def test_a_bulk_write_is_all_or_nothing(app: Flask, alice: Person, count: Count) -> None:
    with app.app_context(), pytest.raises(InvalidInput):
        bulk.create_many(UUID(alice.id), [{"title": "Good"}, {"title": "No date", "due_time": "12:00"}])
    assert count("tasks") == 0


def test_a_bulk_write_needs_an_owner(app: Flask) -> None:
    with app.app_context(), pytest.raises(UserNotFound):
        bulk.create_many(UUID(int=0), [{"title": "Orphan"}])
