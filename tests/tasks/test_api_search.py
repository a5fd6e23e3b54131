"""JSON: the words and operators of ``q``, and what they find."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.extensions import db
from app.models import User
from tests.people import Person, make_person
from tests.tasks.planting import plant

#: A Tuesday noon in UTC; in Auckland it is already Wednesday.
NOON = datetime(2026, 11, 3, 12, 0, 30, tzinfo=UTC)
DONE = datetime(2026, 11, 1, tzinfo=UTC)

TASKS: list[dict[str, Any]] = [
    {"title": "yesterday", "due_date": date(2026, 11, 2), "tags": ["home"], "priority": 3},
    {"title": "this morning", "due_date": date(2026, 11, 3), "due_time": time(11, 59), "tags": ["home", "work"]},
    {"title": "this minute", "due_date": date(2026, 11, 3), "due_time": time(12, 0), "priority": 2},
    {"title": "this evening", "due_date": date(2026, 11, 3), "due_time": time(20, 0)},
    {"title": "some time today", "due_date": date(2026, 11, 3), "tags": ["work"], "priority": 1},
    {"title": "tomorrow", "due_date": date(2026, 11, 4), "notes": "Call 14:30, see https://example.org"},
    {"title": "in a week", "due_date": date(2026, 11, 10), "priority": 3},
    {"title": "undated", "tags": ["it's"]},
    {"title": "done yesterday", "due_date": date(2026, 11, 2), "completed_at": DONE, "tags": ["home"]},
    {"title": "gone yesterday", "due_date": date(2026, 11, 2), "deleted_at": DONE},
]
OPEN = [task["title"] for task in TASKS[:8]]
ANY = {
    "due_date": None,
    "due_time": None,
    "notes": "",
    "priority": 0,
    "tags": [],
    "completed_at": None,
    "deleted_at": None,
}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time, which stands still at `NOON` until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def carol(app: Flask, clock: time_machine.Traveller) -> Person:
    """Somebody with `TASKS`, in UTC."""
    person = make_person(app, "carol@example.org")
    plant(app, person.id, len(TASKS), lambda place: ANY | TASKS[place])
    return person


def found(person: Person, text: str, **more: str) -> list[str]:
    """Return the titles that a search finds, in their order."""
    response = person.get("/tasks", query_string={"q": text, **more})
    assert response.status_code == 200, f"{text}: {response.text}"
    return [task["title"] for task in response.get_json()["items"]]


SEARCHES: dict[str, list[str]] = {
    # words
    "this -evening": ["this morning", "this minute"],
    '"some time"': ["some time today"],
    '"time some"': [],
    'this -"is min" -evening': ["this morning"],
    '"some time': ["some time today"],
    '""': OPEN,
    '-""': OPEN,
    '"this"evening': ["this evening"],
    "14:30": ["tomorrow"],
    "call 14:30,": ["tomorrow"],
    "https://example.org": ["tomorrow"],
    "note: x": [],
    '"due:today"': [],
    "#:x": [],
    "- this": [],
    # tags
    "tag:home": ["yesterday", "this morning"],
    "tag:HOME tag:work": ["this morning"],
    "TAG:home -tag:work": ["yesterday"],
    "-tag:home -tag:work -tag:it's": ["this minute", "this evening", "tomorrow", "in a week"],
    "tag:it's": ["undated"],
    'tag:"home"': [],
    # due dates
    "due:today": OPEN[1:5],
    "due:=today": OPEN[1:5],
    "due:2026-11-03": OPEN[1:5],
    "due:yesterday": ["yesterday"],
    "due:<today": ["yesterday"],
    "due:<=today": OPEN[:5],
    "due:>today": ["tomorrow", "in a week"],
    "due:>=today": OPEN[1:7],
    "due:<tomorrow": OPEN[:5],
    "due:<today+7": OPEN[:6],
    "due:<=Today+7": OPEN[:7],
    "due:>=today-1 due:<2026-11-03": ["yesterday"],
    "due:>2026-11-04": ["in a week"],
    "due:>today+9999": [],
    "due:wednesday": ["tomorrow"],
    "due:Tue": ["in a week"],  # today is one
    "due:<=mon": OPEN[:6],
    "due:<=9998-12-31": OPEN[:7],
    "due:none": ["undated"],
    "due:any": OPEN[:7],
    "due:none due:any": [],
    # status
    "is:open": OPEN,
    "is:today": OPEN[1:5],
    "is:overdue": OPEN[:2],
    "is:overdue due:today": ["this morning"],
    "is:completed": ["done yesterday"],
    "is:trash": ["gone yesterday"],
    "is:all tag:home": ["yesterday", "done yesterday", "this morning"],
    "IS:All yesterday": ["yesterday", "done yesterday"],
    # priority
    "priority:high": ["yesterday", "in a week"],
    "priority:>=medium": ["yesterday", "this minute", "in a week"],
    "priority:>low": ["yesterday", "this minute", "in a week"],
    "priority:<medium due:any": ["this morning", "this evening", "some time today", "tomorrow"],
    "priority:<=low priority:>none": ["some time today"],
    "priority:<none": [],
    "priority:High": ["yesterday", "in a week"],
    # order
    "sort:-priority priority:>none": ["in a week", "yesterday", "this minute", "some time today"],
    "sort:title is:today": ["some time today", "this evening", "this minute", "this morning"],
}


def test_a_search_finds_what_fits_all_its_terms(carol: Person) -> None:
    assert {text: found(carol, text) for text in SEARCHES} == SEARCHES


def test_words_are_found_whatever_their_case_in_any_script(alice: Person) -> None:
    alice.make_task(title="Größe ÄNDERN", notes="Ёлка купить")
    alice.make_task(title="unlike that")
    for word in ("ändern", "Größe", "GRÖß", "ЁЛКА", "ёлка"):
        assert found(alice, word) == ["Größe ÄNDERN"]
    assert found(alice, "grosse") == []
    assert found(alice, "-ÄNDERN") == ["unlike that"]


def test_lists_of_today_and_of_what_is_overdue_have_a_status(carol: Person) -> None:
    assert [task["title"] for task in carol.get("/tasks?status=today").get_json()["items"]] == OPEN[1:5]
    assert [task["title"] for task in carol.get("/tasks?status=overdue").get_json()["items"]] == OPEN[:2]


def test_what_the_text_says_of_status_and_order_stands_and_everything_else_adds_up(carol: Person) -> None:
    assert found(carol, "is:completed", status="open") == ["done yesterday"]
    assert found(carol, "is:open yesterday", status="overdue") == ["yesterday"]
    assert found(carol, "sort:-title tag:home", sort="title") == ["yesterday", "this morning"]
    assert found(carol, "tag:home", tag="work") == ["this morning"]
    assert found(carol, "due:<today", due_after="2026-11-03") == []
    assert found(carol, "priority:>low", priority="medium") == ["this minute"]


def test_today_and_overdue_are_those_of_the_persons_own_clock(
    app: Flask, clock: time_machine.Traveller, carol: Person
) -> None:
    with app.app_context():
        db.session.query(User).update({"timezone": "Pacific/Auckland"})  # 13 hours ahead
        db.session.commit()
    assert found(carol, "due:today") == ["tomorrow"]
    assert found(carol, "is:overdue") == OPEN[:5]
    clock.move_to(datetime(2026, 11, 3, 10, 59, 59, tzinfo=UTC))
    assert found(carol, "due:today") == OPEN[1:5]
    assert found(carol, "is:overdue") == OPEN[:4]


def test_a_time_is_overdue_when_its_minute_has_passed_and_a_day_when_it_is_over(
    clock: time_machine.Traveller, carol: Person
) -> None:
    def overdue_at(moment: datetime) -> list[str]:
        clock.move_to(moment)
        return found(carol.another_sign_in(), "is:overdue")

    assert "this minute" not in overdue_at(NOON.replace(second=59))
    assert "this minute" in overdue_at(NOON.replace(minute=1, second=0))
    assert "some time today" not in overdue_at(NOON.replace(hour=23, minute=59, second=59))
    assert "some time today" in overdue_at(datetime(2026, 11, 4, tzinfo=UTC))


@pytest.mark.parametrize("query", ["q=due:%3C%3Dtoday", "q=is:today", "status=today", "status=overdue"])
def test_pages_of_today_fit_together_over_midnight(clock: time_machine.Traveller, carol: Person, query: str) -> None:
    clock.move_to(NOON.replace(hour=23, minute=59))
    carol = carol.another_sign_in()
    whole = [task["title"] for task in carol.get(f"/tasks?{query}").get_json()["items"]]
    page = carol.get(f"/tasks?{query}&limit=1").get_json()
    seen = [page["items"][0]["title"]]
    clock.move_to(datetime(2026, 11, 4, 0, 1, tzinfo=UTC))
    while page["next_cursor"]:
        page = carol.get(f"/tasks?{query}&limit=1&cursor={page['next_cursor']}").get_json()
        seen.append(page["items"][0]["title"])
    assert seen == whole
    assert len(seen) > 3
