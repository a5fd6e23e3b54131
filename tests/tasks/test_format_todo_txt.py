"""The list of tasks as todo.txt and the way back: nothing lost that it cannot say, and lists from elsewhere."""

from datetime import UTC, date, datetime
from typing import Any

from flask import Flask

from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, export, send
from tests.tasks.planting import forget_tasks, plant


def test_a_task_is_a_line_of_todo_txt(app: Flask, alice: Person) -> None:
    alice.patch("", {"timezone": "Asia/Tokyo"})
    created = datetime(2026, 11, 21, 20, tzinfo=UTC)
    common: dict[str, Any] = {"created_at": created, "notes": "not shown"}
    rows = [
        {"title": "Call mum", "priority": 3, "tags": ["home", "phone"], "due_date": date(2026, 12, 1)},
        {"title": "x (B) 2026-01-01 trap"},
        {"title": "Done", "priority": 1, "completed_at": datetime(2026, 11, 22, tzinfo=UTC)},
    ]
    ids = plant(app, alice.id, 3, lambda place: common | rows[place])
    assert alice.another_sign_in().get("/tasks.txt?status=all&sort=created").text.splitlines() == [
        f"(A) 2026-11-22 Call mum @home @phone due:2026-12-01 id:{ids[0]}",
        f"2026-11-22 x (B) 2026-01-01 trap id:{ids[1]}",
        f"x 2026-11-22 2026-11-22 Done pri:C id:{ids[2]}",
    ]


def test_todo_txt_comes_back_without_losing_what_it_cannot_say(app: Flask, alice: Person) -> None:
    alice.make_task(
        title="x (A) all", notes="kept", priority="medium", due_date="2026-12-01", due_time="09:05", tags=["a"]
    )
    alice.make_task(title="done", notes="kept", priority="low", completed=True)
    before = export(alice)["tasks"]
    file = alice.get("/tasks.txt?status=all").text
    assert counts(send(alice, file, "text/plain")) == (0, 0, 2)
    assert counts(send(alice, file.replace(" all", " new"), "text/plain")) == (0, 1, 1)
    after = export(alice)["tasks"]
    assert after[0] == before[0] | {"title": "x (A) new", "updated_at": after[0]["updated_at"]}
    forget_tasks(app)
    assert counts(send(alice, file, "text/plain")) == (2, 0, 0)
    again = export(alice)["tasks"]
    for name in ("id", "title", "priority", "due_date", "due_time", "tags"):
        assert [task[name] for task in again] == [task[name] for task in before]
    assert [bool(task["completed_at"]) for task in again] == [False, True]


def test_a_list_from_elsewhere_is_read_as_todo_txt_says(alice: Person) -> None:
    file = "(A) 2026-01-01 Thank mum @phone +family due:2026-12-01\r\n\nx 2026-02-02 2026-01-01 Done\n"
    file += "(Z) Later\nnote: x @ +\n"
    assert counts(send(alice, file, "text/plain")) == (4, 0, 0)
    found = {task["title"]: task for task in alice.get("/tasks?status=all").get_json()["items"]}
    assert found.keys() == {"Thank mum", "Done", "Later", "note: x @ +"}
    mum = found["Thank mum"]
    assert (mum["priority"], mum["tags"], mum["due_date"]) == ("high", ["phone", "family"], "2026-12-01")
    assert found["Done"]["completed"]
    assert found["Later"]["priority"] == "low"


def test_a_mistake_in_todo_txt_is_named_by_its_line(alice: Person) -> None:
    file = "good\n\n@only +tags\nx\nlate due:tomorrow\n"
    assert pointers(send(alice, file, "text/plain")) == ["#/line/3/title", "#/line/5/due_date"]
    assert alice.get("/tasks").get_json()["items"] == []
