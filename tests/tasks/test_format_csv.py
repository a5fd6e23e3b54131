"""The list of tasks as CSV and the way back: no formulas, nothing lost, and tables from elsewhere."""

import csv
import io

import pytest
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, export, send
from tests.tasks.planting import forget_tasks


def table(person: Person) -> list[dict[str, str]]:
    """Return the lines of the CSV list."""
    return list(csv.DictReader(io.StringIO(person.get("/tasks.csv?status=all").text, newline="")))


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


def test_an_apostrophe_that_guards_nothing_is_part_of_the_text(alice: Person) -> None:
    assert counts(send(alice, "title\r\n'Twas the night\r\n'=x\r\n", "text/csv")) == (2, 0, 0)
    assert [task["title"] for task in alice.get("/tasks").get_json()["items"]] == ["'Twas the night", "=x"]


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
