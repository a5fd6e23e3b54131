"""JSON: everything out, and back in as it was."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from app.extensions import db
from app.models import Task
from app.services.task_lists import Status
from app.tasks.exported import FORMAT_VERSION
from app.tasks.imported import READERS
from tests.people import Person
from tests.tasks.files import counts, document, export, send
from tests.tasks.planting import plant

EXPORTS = Path(__file__).parent / "exports"
FIELDS = ["id", "title", "notes", "priority", "due_date", "due_time", "tags", "completed_at", "deleted_at"]
FIELDS += ["created_at", "updated_at"]


def everything(person: Person) -> list[dict[str, Any]]:
    """Return all tasks as the API shows them, without the count of writes."""
    found = []
    statuses: list[Status] = ["all", "trash"]
    for status in statuses:
        found += person.get(f"/tasks.json?status={status}&sort=created").get_json()["items"]
    return [{name: value for name, value in task.items() if name != "rev"} for task in found]


def forget_tasks(app: Flask) -> None:
    with app.app_context():
        db.session.execute(delete(Task))
        db.session.commit()


def test_an_export_names_its_format_version_time_and_owner(alice: Person) -> None:
    alice.patch("", {"timezone": "Asia/Tokyo"})
    with time_machine.travel(datetime(2026, 11, 22, 16, 0, 0, 250, tzinfo=UTC), tick=False):
        response = alice.another_sign_in().get("/export")
    assert response.content_type == "application/json"
    assert response.headers["Content-Disposition"] == 'attachment; filename="taskward-2026-11-23.json"'
    assert response.headers["Cache-Control"] == "no-store"
    assert response.get_json() == {
        "format": "taskward",
        "format_version": 1,
        "exported_at": "2026-11-22T16:00:00.000250Z",
        "user": {"email": "alice@example.org", "name": "Alice", "timezone": "Asia/Tokyo", "theme": "system"},
        "tasks": [],
    }


def test_open_completed_and_deleted_tasks_are_all_in_it_with_every_field(alice: Person) -> None:
    made = alice.make_task(title="a", notes="n", priority="low", due_date="2026-12-01", due_time="10:00", tags=["b"])
    done = alice.make_task(title="done", completed=True)
    gone = alice.make_task(title="gone")
    alice.delete(f"/tasks/{gone['id']}")
    tasks = export(alice)["tasks"]
    assert [task["id"] for task in tasks] == [made["id"], done["id"], gone["id"]]
    assert all(list(task) == FIELDS for task in tasks)
    assert {name: tasks[0][name] for name in FIELDS[:9]} == {name: made[name] for name in FIELDS[:9]}
    assert tasks[1]["completed_at"]
    assert tasks[2]["deleted_at"]


def test_nobody_elses_task_is_in_it(alice: Person, bob: Person) -> None:
    alice.make_task()
    assert export(bob)["tasks"] == []


def test_more_tasks_than_are_read_at_once_are_all_in_it_one_in_a_line(app: Flask, alice: Person) -> None:
    ids = plant(app, alice.id, 1000)
    response = alice.get("/export")
    assert sorted(task["id"] for task in response.get_json()["tasks"]) == sorted(ids)
    assert len(response.text.splitlines()) == 1002
    assert counts(send(alice, response.data)) == (0, 0, 1000)


def test_an_export_is_read_in_pieces_while_it_is_sent(app: Flask, alice: Person, statements: list[str]) -> None:
    plant(app, alice.id, 1600)
    statements.clear()
    response = alice.get("/export", buffered=False)
    reads = [each for each in statements if "FROM tasks" in each]
    assert len(reads) <= 2
    assert len(response.get_json()["tasks"]) == 1600
    assert len([each for each in statements if "FROM tasks" in each]) == 4


def test_an_export_needs_the_right_to_the_account_as_well(alice: Person) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token, "scope": "tasks:read tasks:write"}
    alice.access_token = alice.client.post("/oauth/token", data=form).get_json()["access_token"]
    response = alice.get("/export")
    assert response.status_code == 403
    assert 'scope="account"' in response.headers["WWW-Authenticate"]


def test_times_come_back_to_the_microsecond(app: Flask, alice: Person) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    plant(app, alice.id, 1, lambda _: {"created_at": moment, "updated_at": moment + timedelta(microseconds=1)})
    file = export(alice)
    forget_tasks(app)
    assert counts(send(alice, json.dumps(file))) == (1, 0, 0)
    with app.app_context():
        task = db.session.query(Task).one()
        assert (task.created_at, task.updated_at) == (moment, moment + timedelta(microseconds=1))


instants = st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
planted = st.fixed_dictionaries(
    {
        "title": words.map(lambda title: f"{title} visible"),
        "notes": lines,
        "priority": st.sampled_from(["none", "low", "medium", "high"]),
        "due_date": st.none() | st.dates(date(1900, 1, 1), date(9998, 12, 31)).map(str),
        "due_time": st.none() | st.times().map(lambda at: f"{at:%H:%M}"),
        "tags": st.lists(st.text("aäß€ж=+-'\"@", min_size=1, max_size=5), max_size=4),
        "completed_at": st.none() | instants,
        "deleted_at": st.none() | instants,
        "created_at": instants,
        "updated_at": instants,
    }
)


def _written(task: dict[str, Any]) -> dict[str, Any]:
    task = {
        name: f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if "_at" in name and value else value for name, value in task.items()
    }
    kept = "\n\t"
    task["notes"] = "".join(c for c in task["notes"] if c in kept or c.isprintable())
    return task | ({} if task["due_date"] else {"due_time": None})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(planted.map(_written), min_size=1, max_size=4))
def test_what_is_exported_deleted_and_imported_is_equal(app: Flask, alice: Person, many: list[dict[str, Any]]) -> None:
    forget_tasks(app)
    tasks = [{"id": f"00000000-0000-4000-8000-{place:012}", **task} for place, task in enumerate(many)]
    assert counts(send(alice, json.dumps(document(*tasks)))) == (len(many), 0, 0)
    before, first = everything(alice), export(alice)
    assert len(before) == len(many)
    forget_tasks(app)
    assert counts(send(alice, json.dumps(first))) == (len(many), 0, 0)
    assert everything(alice) == before
    assert export(alice)["tasks"] == first["tasks"]
    assert counts(send(alice, json.dumps(first))) == (0, 0, len(many))


def test_every_version_there_was_has_a_fixture_and_is_read() -> None:
    assert sorted(READERS) == list(range(1, FORMAT_VERSION + 1))
    assert {path.name for path in EXPORTS.iterdir()} == {f"version_{version}.json" for version in READERS}


@pytest.mark.parametrize("version", READERS)
def test_an_export_of_that_version_is_imported_for_ever(alice: Person, version: int) -> None:
    file = (EXPORTS / f"version_{version}.json").read_bytes()
    assert counts(send(alice, file)) == (4, 0, 0)
    assert counts(send(alice, file)) == (0, 0, 4)
    milk, rent, done, trash = export(alice)["tasks"]
    assert milk["title"] == "Buy milk"
    assert (rent["title"], rent["notes"]) == ("Überweisung „Miete“ 🏠", "Line one\n\tline two\n")
    assert (rent["priority"], rent["due_date"], rent["due_time"]) == ("high", "2026-12-01", "09:05")
    assert (rent["tags"], rent["updated_at"]) == (["home", "büro"], "2026-11-22T06:00:00.123456Z")
    assert (done["completed_at"], done["due_date"]) == ("1999-12-31T23:59:59.999999Z", "1999-12-31")
    assert trash["deleted_at"] == "2026-11-22T07:00:00.500000Z"
