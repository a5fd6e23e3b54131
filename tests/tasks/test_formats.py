"""The list of tasks as JSON in one piece, CSV, todo.txt and iCalendar; and the way back from CSV and todo.txt."""

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import delete

from app.extensions import db
from app.models import Task
from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, export, send
from tests.tasks.planting import plant

SUFFIXES = ["json", "csv", "txt", "ics"]
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
}


def titles(person: Person, query: str, suffix: str, headers: dict[str, str] | None = None) -> list[str]:
    """Return the titles in a list of that format, in its order."""
    response = person.client.get(person.url(query), headers=person.bearer() | (headers or {}))
    assert response.status_code == 200, response.text
    assert response.content_type == TYPES[suffix]
    if suffix == "json":
        return [task["title"] for task in response.get_json()["items"]]
    if suffix == "csv":
        return [row["title"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]
    if suffix == "txt":
        return [" ".join(line.split(" ")[1:-1]) for line in response.text.splitlines()]
    return [str(todo["SUMMARY"]) for todo in Calendar.from_ical(response.data).todos]


def table(person: Person) -> list[dict[str, str]]:
    """Return the lines of the CSV list."""
    return list(csv.DictReader(io.StringIO(person.get("/tasks.csv?status=all").text, newline="")))


def forget_tasks(app: Flask) -> None:
    with app.app_context():
        db.session.execute(delete(Task))
        db.session.commit()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_the_filters_and_the_order_of_the_list(alice: Person, suffix: str) -> None:
    for title in ("a milk", "b milk", "c"):
        alice.make_task(title=title)
    gone = alice.make_task(title="gone")
    alice.delete(f"/tasks/{gone['id']}")
    assert titles(alice, f"/tasks.{suffix}", suffix) == ["a milk", "b milk", "c"]
    assert titles(alice, f"/tasks.{suffix}?sort=-created&q=milk", suffix) == ["b milk", "a milk"]
    assert titles(alice, f"/tasks.{suffix}?status=trash", suffix) == ["gone"]
    assert titles(alice, f"/tasks.{suffix}?limit=2", suffix) == ["a milk", "b milk"]
    assert titles(alice, f"/tasks.{suffix}?q=nothing", suffix) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_all_tasks_however_many(app: Flask, alice: Person, suffix: str) -> None:
    plant(app, alice.id, 450, lambda _: {})
    found = titles(alice, f"/tasks.{suffix}?sort=created", suffix)
    assert found == [f"Task {number}" for number in range(450)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bad_parameters_are_refused_in_json(alice: Person, suffix: str) -> None:
    assert pointers(alice.get(f"/tasks.{suffix}?color=red")) == ["#/color"]
    assert pointers(alice.get(f"/tasks.{suffix}?cursor=x")) == ["#/cursor"]
    assert pointers(alice.get(f"/tasks.{suffix}?limit=0")) == ["#/limit"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_list_is_sent_while_it_is_read(app: Flask, alice: Person, statements: list[str], suffix: str) -> None:
    plant(app, alice.id, 1000)
    statements.clear()
    response = alice.get(f"/tasks.{suffix}", buffered=False)
    assert len([each for each in statements if "FROM tasks" in each]) <= 2
    assert response.data
    assert len([each for each in statements if "FROM tasks" in each]) == 5


def test_json_in_one_piece_is_the_list_and_with_a_limit_leads_on(alice: Person) -> None:
    for number in range(3):
        alice.make_task(title=str(number))
    assert alice.get("/tasks.json").get_json() == alice.get("/tasks").get_json()
    first = alice.get("/tasks.json?limit=2").get_json()
    assert first == alice.get("/tasks?limit=2").get_json()
    rest = alice.get(f"/tasks.json?cursor={first['next_cursor']}").get_json()
    assert [task["title"] for task in rest["items"]] == ["2"]
    assert alice.get("/tasks.json?q=nothing").get_json() == {"items": [], "next_cursor": None}


@ONE_DATABASE
@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("text/csv", "csv"),
        ("text/plain", "txt"),
        ("text/calendar", "ics"),
        ("application/json", "json"),
        ("*/*", "json"),
        ("", "json"),
        ("text/csv;q=0.5, text/calendar", "ics"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("image/png", "json"),  # a list one cannot show is of more use than a refusal
        ("text/csv;q=x, ;;,", "json"),
    ],
)
def test_accept_chooses_the_format_of_the_list(alice: Person, accept: str, suffix: str) -> None:
    alice.make_task(title="a")
    assert titles(alice, "/tasks?sort=created", suffix, {"Accept": accept}) == ["a"]
    response = alice.client.get(alice.url("/tasks"), headers=alice.bearer() | {"Accept": accept})
    assert response.headers["Vary"] == "Accept"


# ---- CSV

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "'", "\uff1d1", "=cmd|' /C calc'!A0"]


@ONE_DATABASE
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_and_the_text_comes_back_as_it_was(app: Flask, alice: Person, text: str) -> None:
    alice.make_task(title=text, notes=f"\t{text}", tags=["=tag"])
    [row] = table(alice)
    assert row["title"] == f"'{text}"
    assert row["notes"] == f"'\t{text}"
    assert row["tags"] == "'=tag"
    assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in row.values())
    _survives_csv(app, alice)


@ONE_DATABASE
@pytest.mark.parametrize(
    "text", ['a "quoted" word', "a,b;c", "line\nline\n\n=line", "\n=x", " leading", "ü\u2028\U0001f3e0"]
)
def test_quotes_commas_and_line_breaks_come_back_as_they_were(app: Flask, alice: Person, text: str) -> None:
    title = text.replace("\n", " ").replace("\u2028", " ")
    alice.make_task(title=title, notes=text, priority="high", due_date="2026-12-01", due_time="09:05", tags=["a", "b"])
    alice.make_task(title="done", completed=True)
    _survives_csv(app, alice)


def _survives_csv(app: Flask, alice: Person) -> None:
    before = export(alice)["tasks"]
    file = alice.get("/tasks.csv?status=all").data
    assert counts(send(alice, file, "text/csv")) == (0, 0, len(before))
    forget_tasks(app)
    assert counts(send(alice, file, "text/csv; charset=utf-8")) == (len(before), 0, 0)
    assert export(alice)["tasks"] == before


def test_csv_has_a_header_and_lines_as_rfc_4180_wants_them(alice: Person) -> None:
    assert alice.get("/tasks.csv").data.split(b"\r\n") == [
        b"id,title,notes,priority,due_date,due_time,tags,completed_at,deleted_at,created_at,updated_at",
        b"",
    ]
    alice.make_task(title='say "hi", all')
    assert b',"say ""hi"", all",' in alice.get("/tasks.csv").data


def test_a_table_from_elsewhere_needs_no_more_than_a_title(alice: Person) -> None:
    file = "\ufefftitle,due_date,tags,priority\r\nBuy milk,2026-12-01,home Shop,\r\n\r\nCall Bob,,,high\n"
    assert counts(send(alice, file, "text/csv")) == (2, 0, 0)
    milk, call = alice.get("/tasks").get_json()["items"]
    assert (milk["title"], milk["due_date"], milk["tags"], milk["priority"]) == (
        "Buy milk",
        "2026-12-01",
        ["home", "shop"],
        "none",
    )
    assert (call["title"], call["due_date"], call["priority"]) == ("Call Bob", None, "high")


@in_turn(
    ("file", "places"),
    [
        ("", ["#/line/1"]),
        ("id,notes\r\n", ["#/line/1"]),
        ("title,title\r\n", ["#/line/1"]),
        ("title,color\r\nx,red\r\n", ["#/line/1"]),
        ("title\r\nx,y\r\n", ["#/line/2"]),
        ('title\r\n"x"y\r\n', ["#/line/2"]),
        ("title,due_date\r\nx,\r\n,\r\ny,soon\r\n", ["#/line/3/title", "#/line/4/due_date"]),
        ("title,due_time\r\nx,10:00\r\n", ["#/line/2/due_time"]),
        ("title,created_at\r\nx,today\r\n", ["#/line/2/created_at"]),
    ],
)
def test_a_mistake_in_a_table_is_named_by_its_line(alice: Person, file: str, places: list[str]) -> None:
    assert pointers(send(alice, file, "text/csv")) == places
    assert alice.get("/tasks").get_json()["items"] == []


# ---- todo.txt


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


# ---- iCalendar


def test_a_task_is_a_to_do_of_a_calendar(alice: Person) -> None:
    alice.patch("", {"timezone": "Europe/Berlin"})
    alice = alice.another_sign_in()
    task = alice.make_task(
        title="a", notes="n\nm", priority="high", due_date="2026-12-01", due_time="09:05", tags=["t"]
    )
    alice.make_task(title="b", due_date="2026-12-02", completed=True)
    alice.make_task(title="c")
    first, second, third = Calendar.from_ical(alice.get("/tasks.ics?status=all").data).todos
    assert first["UID"] == task["id"]
    assert (str(first["DESCRIPTION"]), first["PRIORITY"], first["STATUS"]) == ("n\nm", 1, "NEEDS-ACTION")
    assert first["DUE"].dt == datetime(2026, 12, 1, 8, 5, tzinfo=UTC)
    assert first["CATEGORIES"].cats == ["t"]
    assert (second["DUE"].dt, second["STATUS"]) == (date(2026, 12, 2), "COMPLETED")
    assert second["COMPLETED"].dt.tzinfo is not None
    assert "DUE" not in third


def test_the_export_can_be_sent_back_as_a_list_of_one_task(alice: Person) -> None:
    alice.make_task(title="a")
    alice.make_task(title="b")
    file = export(alice)
    assert counts(send(alice, json.dumps(document(file["tasks"][1])))) == (0, 0, 1)
