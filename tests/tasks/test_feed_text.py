"""The calendar feed: whatever text is in a task stays in its property, and is one event."""

from datetime import date

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import text

from app.extensions import db
from tests.people import Person
from tests.tasks.feeds import make, read
from tests.tasks.planting import plant

HOSTILE = [
    "a\nb",
    "a\r\nATTENDEE:mailto:x@example.org",
    "a\rBEGIN:VALARM",
    "a\n\n END:VEVENT",
    "a\u2028BEGIN:VEVENT\u2029b",
    "a\u2028\n b",
    'semi;colon, comma\\ back\\n slash: colon "quotes" ^n',
    "ü" * 300 + " " + "\U0001f3e0" * 190,
]


def planted(app: Flask, person: Person, title: str, notes: str, tags: list[str]) -> None:
    """Add a task past the API, which would refuse some of this."""
    values = {"title": title, "notes": notes, "tags": tags, "due_date": date(2026, 12, 1)}
    with app.app_context():
        db.session.execute(text("DELETE FROM tasks"))
        db.session.commit()
    plant(app, person.id, 1, lambda _: values)


def check(person: Person, path: str, title: str, notes: str) -> None:
    data = read(person, path).data
    lines = data.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    # By whatever a lenient reader takes for a line break, every line is a property or goes on with one.
    names = [line.split(":")[0].split(";")[0] for line in data.decode(errors="replace").splitlines() if line[:1] != " "]
    allowed = {"BEGIN", "END", "PRODID", "VERSION", "CALSCALE", "METHOD", "X-WR-CALNAME", "REFRESH-INTERVAL", "UID"}
    allowed |= {"DTSTAMP", "CREATED", "LAST-MODIFIED", "SUMMARY", "DESCRIPTION", "CATEGORIES", "URL", "DTSTART"}
    assert set(names) <= allowed | {"TRANSP"}
    assert names.count("BEGIN") == names.count("END") == 2
    [event] = Calendar.from_ical(data).events
    assert str(event["SUMMARY"]) == " ".join(title.splitlines())
    assert str(event.get("DESCRIPTION", "")) == "\n".join(notes.splitlines())


@pytest.mark.proves("CVE-2026-35601")
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: repr(each[:20]))
def test_no_text_gets_out_of_its_property(app: Flask, alice: Person, hostile: str) -> None:
    planted(app, alice, hostile, hostile, ["a;b", 'c"d:e', "f,g"])
    check(alice, make(alice), hostile, hostile)


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=anything, notes=anything)
def test_any_text_comes_out_as_one_event(app: Flask, alice: Person, title: str, notes: str) -> None:
    planted(app, alice, f"a{title}z", f"a{notes}z", ["tag"])
    check(alice, make(alice), f"a{title}z", f"a{notes}z")
