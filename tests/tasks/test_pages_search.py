"""Pages: the tabs and the search box."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import Person, make_person
from tests.tasks.planting import plant

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
TASKS: list[dict[str, Any]] = [
    {"title": "water the roses", "due_date": date(2026, 11, 2), "tags": ["garden"]},
    {"title": "feed the cat", "due_date": date(2026, 11, 3), "due_time": time(8, 0)},
    {"title": "call the bank", "due_date": date(2026, 11, 3)},
    {"title": "read a book", "tags": ["garden", "evening"]},
    {"title": "sow beans", "completed_at": NOON, "tags": ["garden"]},
    {"title": "burn leaves", "deleted_at": NOON},
]
ANY = {"due_date": None, "due_time": None, "tags": [], "completed_at": None, "deleted_at": None}


@pytest.fixture
def browser(app: Flask) -> Iterator[Browser]:
    """The browser of somebody with `TASKS`, at `NOON`."""
    with time_machine.travel(NOON, tick=False):
        person = make_person(app, "carol@example.org")
        plant(app, person.id, len(TASKS), lambda place: ANY | TASKS[place])
        yield Browser(app, person)


def listed(page: str) -> list[str]:
    return re.findall(r'class="task-title"[^>]*>([^<]*)<', page)


def test_tabs_tell_how_many_tasks_each_list_has(browser: Browser) -> None:
    tabs = re.findall(
        r'<a href="([^"]*)"( aria-current="page")?>(\w+) <span class="count">(\d+)<', browser.get("/tasks").text
    )
    assert tabs == [
        ("/tasks", ' aria-current="page"', "Open", "4"),
        ("/tasks?status=today", "", "Today", "2"),
        ("/tasks?status=overdue", "", "Overdue", "2"),
        ("/tasks?status=completed", "", "Completed", "1"),
        ("/tasks?status=trash", "", "Trash", "1"),
    ]
    for address, _, _, number in tabs:
        assert len(listed(browser.get(address).text)) == int(number), address


@in_turn(
    ("query", "heading", "titles"),
    [
        ("q=the+-cat", "Open tasks", ["water the roses", "call the bank"]),
        ("q=is:overdue", "Overdue tasks", ["water the roses", "feed the cat"]),
        ("status=completed&q=is:today+sort:-due", "Tasks for today", ["call the bank", "feed the cat"]),
        ("q=is:all+tag:garden+sort:title", "All tasks", ["read a book", "sow beans", "water the roses"]),
        ("tag=garden&tag=evening", "Open tasks", ["read a book"]),
        ("status=today&tag=&q=", "Tasks for today", ["feed the cat", "call the bank"]),
    ],
)
def test_the_search_box_takes_the_words_and_operators_of_the_api(
    browser: Browser, query: str, heading: str, titles: list[str]
) -> None:
    page = browser.get(f"/tasks?{query}")
    assert page.status_code == 200
    assert f"<h1>{heading}</h1>" in page.text
    assert listed(page.text) == titles


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("milk colour:&lt;b&gt;", "Position 6: there is no operator colour:."),
        ("due:soon", "Position 1: due:soon is no date."),
        ("x" * 201, "Use at most 100 characters."),
    ],
)
@ONE_DATABASE
def test_a_search_that_is_not_understood_is_kept_with_the_reason_beside_it(
    browser: Browser, typed: str, refusal: str
) -> None:
    text = typed.replace("&lt;", "<").replace("&gt;", ">")
    page = browser.client.get("/tasks", query_string={"q": text, "status": "completed"}, base_url=browser.origin)
    assert page.status_code == 422
    box = re.search(r'<input type="search"[^>]*>', page.text)
    assert box
    assert f'value="{typed}"' in box[0]
    assert 'aria-invalid="true" aria-describedby="q-error"' in box[0]
    assert re.search(rf'id="q-error"><span class="unseen">Error: </span>{re.escape(refusal)}', page.text)
    assert "<title>Error: Completed tasks" in page.text
    assert listed(page.text) == []
    assert "<b>" not in page.text


@ONE_DATABASE
def test_a_task_added_from_a_refused_search_is_added_to_the_list_without_it(browser: Browser) -> None:
    page = browser.get("/tasks?q=colour:red&tag=garden")
    action = re.search(r'<form method="post" action="([^"]*)" class="card add"', page.text)
    assert action
    assert action[1] == "/tasks?tag=garden"
    refused = browser.post("/tasks?q=colour:red", "/tasks", title="")
    assert refused.status_code == 422


@ONE_DATABASE
def test_what_is_added_on_the_list_of_today_is_due_today(browser: Browser) -> None:
    assert 'name="due_date" type="date" value="2026-11-03"' in browser.get("/tasks?status=today").text
    assert 'value="2026-11-03"' not in browser.get("/tasks").text


@ONE_DATABASE
def test_the_next_page_of_a_search_keeps_what_was_asked_for(browser: Browser, app: Flask, alice: Person) -> None:
    plant(app, alice.id, 60, lambda _: {"tags": ["a", "b"]})
    page = Browser(app, alice).get("/tasks?tag=a&tag=b&q=task+sort:title").text
    following = re.search(r'rel="next" href="([^"]*)"', page)
    assert following
    assert len(listed(Browser(app, alice).get(following[1].replace("&amp;", "&")).text)) == 10


def test_a_task_is_called_overdue_on_the_list_of_what_is_overdue_only(app: Flask, alice: Person) -> None:
    plant(app, alice.id, 1, lambda _: {"due_date": date(2026, 11, 3), "due_time": time(12, 0)})
    for seconds, overdue in ((59, False), (60, True)):
        with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
            page = Browser(app, alice).get("/tasks?status=today").text
            assert ("Overdue: today, 12:00" in page) == overdue
            assert f'Overdue <span class="count">{overdue:d}<' in page


def test_a_page_of_tasks_costs_three_statements(browser: Browser, statements: list[str]) -> None:
    browser.get("/tasks")
    statements.clear()
    assert browser.get("/tasks?q=tag:garden+is:all+due:today").status_code == 200
    assert len(statements) == 3, statements


@ONE_DATABASE
def test_a_search_that_finds_nothing_in_a_list_leads_on_to_all_tasks(browser: Browser) -> None:
    page = browser.get("/tasks?q=beans").text
    assert "Nothing matches" in page
    (onward,) = re.findall(r'<a href="([^"]*)">Search all tasks</a>', page)
    assert onward == "/tasks?status=all&amp;q=beans"
    assert listed(browser.get(onward.replace("&amp;", "&")).text) == ["sow beans"]
    assert "Search all tasks</a>" not in browser.get("/tasks?status=all&q=unicorns").text
