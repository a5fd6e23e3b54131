"""Pages: what was done in the last four weeks, and pages of a list forwards and back."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.extensions import db
from tests.pages import Browser
from tests.people import Person, make_person
from tests.tasks import plans
from tests.tasks.planting import plant
from tests.tasks.test_pages_search import listed

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def done(when: datetime, **fields: object) -> dict[str, object]:
    return {"completed_at": when, "updated_at": when} | fields


def link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize(("zone", "days"), [("UTC", "2 November: 2, 3 November: 1"), ("Asia/Tokyo", "3 November: 3")])
def test_what_was_completed_is_counted_by_the_persons_own_days(app: Flask, zone: str, days: str) -> None:
    midnight = NOON.replace(hour=0)
    past = [
        done(midnight), done(midnight - timedelta(seconds=1)), done(midnight - timedelta(hours=9)),
        done(NOON - timedelta(days=29)), done(midnight, deleted_at=midnight), {},
    ]  # fmt: skip
    with time_machine.travel(NOON, tick=False):
        person = make_person(app, "carol@example.org")
        person.patch("", {"timezone": zone})
        plant(app, person.id, len(past), lambda place: past[place])
        page = Browser(app, person).get("/tasks?status=completed").text
        assert f'<desc id="progress-text">{days}</desc>' in page
        assert page.count("<rect ") == 28
        assert "3 completed in the last four weeks" in page
        assert "<svg viewBox" not in Browser(app, person).get("/tasks").text


def test_the_days_are_counted_by_one_statement_that_seeks_in_an_index(app: Flask, alice: Person, bob: Person) -> None:
    old, now = NOON - timedelta(days=300), datetime.now(UTC)
    for person in (alice, bob):
        plant(app, person.id, 2000, lambda place: done(now if place % 50 == 0 else old))
    with app.app_context(), db.read() as connection:
        connection.exec_driver_sql("ANALYZE tasks")
    browser = Browser(app, alice)
    browser.get("/tasks")
    with plans.recorded(app) as sent:
        assert "40 completed in the last four weeks" in browser.get("/tasks?status=completed").text
        assert len(sent) == 4
        (counted,) = [each for each in sent if each[0].count("FILTER") == 28]
        lines = plans.plan(app, *counted)
    (search,) = plans.searches(lines)
    assert "ix_tasks_user_id_updated_at_id" in search, lines
    assert search.count("user_id") > 1, lines


@pytest.mark.parametrize("query", ["", "sort:-title", "sort:-priority"])
def test_pages_lead_forwards_and_back_through_all_tasks(app: Flask, alice: Person, query: str) -> None:
    plant(app, alice.id, 125)
    browser, path = Browser(app, alice), f"/tasks?q={query}"
    pages = []
    while path:
        pages.append(browser.get(path).text)
        path = link(pages[-1], "next")
    assert [len(listed(page)) for page in pages] == [50, 50, 25]
    assert len({title for page in pages for title in listed(page)}) == 125
    assert not link(pages[0], "prev")
    for expected in (pages[1], pages[0]):
        page = browser.get(link(pages.pop(), "prev")).text
        assert listed(page) == listed(expected)
        assert link(page, "next")
    assert not link(page, "prev")


def test_the_way_back_ends_in_a_whole_first_page(app: Flask, alice: Person) -> None:
    plant(app, alice.id, 60, lambda _: {})
    browser = Browser(app, alice)
    second = browser.get(link(browser.get("/tasks").text, "next")).text
    alice.make_task(title="Earlier", due_date="2020-01-01")
    page = browser.get(link(second, "prev")).text
    assert len(listed(page)) == 50
    page = browser.get(link(page, "prev")).text if link(page, "prev") else page
    assert listed(page)[0] == "Earlier"
    assert len(listed(page)) == 50
