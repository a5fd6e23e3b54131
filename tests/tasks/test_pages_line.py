"""Pages: a task added by one line, from anywhere, with words of the search grammar in it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.conftest import ONE_DATABASE, STRICT_DATABASE, Count
from tests.pages import Browser
from tests.people import Person
from tests.tasks.test_pages_undo import message

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@ONE_DATABASE
@pytest.mark.parametrize(
    ("line", "title", "fields"),
    [
        (
            "Buy  milk tag:Home due:tomorrow priority:high tag:food",
            "Buy milk",
            {"tags": ["home", "food"], "due_date": "2026-11-04", "priority": "high"},
        ),
        ("DUE:2026-12-01 pay rent due:today+7", "pay rent", {"due_date": "2026-11-10"}),
        ("call Ann due:fri", "call Ann", {"due_date": "2026-11-06"}),
        ("bins out due:Tuesday", "bins out", {"due_date": "2026-11-10"}),
        # What names no one day, tag or priority stays, as does what is only near a word of the grammar.
        ("see due:<today due:none due:soon due: due:2026-13-01", None, {}),
        ("ask priority:>low priority:urgent tag:a,b -tag:c xtag:d", None, {}),
        ('write  "tag:home" 14:30 is:overdue sort:title https://example.org/?due:today', None, {}),
        ("tag:home due:today", None, {}),
        ("due:0001-01-01 due:99999-01-01 due:today+9999999", None, {}),
    ],
)
def test_words_of_the_grammar_become_fields(
    app: Flask, alice: Person, line: str, title: str | None, fields: dict[str, Any]
) -> None:
    with time_machine.travel(NOON, tick=False):
        browser = Browser(app, alice.another_sign_in())
        assert browser.post("/tasks", "/tasks", title=line).status_code == 303
        (task,) = alice.another_sign_in().get("/tasks").get_json()["items"]
    expected = {"tags": [], "due_date": None, "priority": "none"} | fields
    assert task["title"] == (title or line)
    assert {name: task[name] for name in expected} == expected


@ONE_DATABASE
def test_words_win_over_the_fields_below_the_line_and_tags_add_up(app: Flask, alice: Person) -> None:
    form = {"due_date": "2026-12-24", "priority": "low", "tags": "a"}
    Browser(app, alice).post("/tasks", "/tasks", title="x due:2026-12-01 priority:none tag:b", **form)
    (task,) = alice.get("/tasks").get_json()["items"]
    assert (task["due_date"], task["priority"], task["tags"]) == ("2026-12-01", "none", ["a", "b"])


@ONE_DATABASE
def test_a_tag_given_twice_is_told_once(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    browser.post("/tasks", "/tasks", title="bins out tag:home tag:HOME tag:b")
    assert message(browser)[0] == "Added “bins out”: #home, #b."


@ONE_DATABASE
@pytest.mark.parametrize(("day", "section"), [(6, "Next 7 days"), (7, "Next 7 days"), (8, "Later")])
def test_the_next_seven_days_have_a_section(app: Flask, alice: Person, day: int, section: str) -> None:
    Browser(app, alice).post("/tasks", "/tasks", title=f"bins out due:today+{day}")
    assert f'<h2 class="section">{section}</h2>' in Browser(app, alice).get("/tasks").text


@ONE_DATABASE
def test_a_line_can_be_added_on_every_page_and_one_stays_there(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    for path in ("/account", "/tasks?status=completed", f"/tasks/{alice.make_task()['id']}"):
        page = browser.get(path).text
        assert f'<input type="hidden" name="back" value="{path}">' in page[page.index('class="quick"') :]
        answer = browser.post("/tasks", path, title="Buy milk due:2030-01-02 tag:home priority:high", back=path)
        assert answer.headers["Location"] == path
        assert message(browser)[0] == "Added “Buy milk”: 2 Jan 2030, high priority, #home."
    assert browser.post("/tasks", "/tasks", title="x", back="https://example.com/").headers["Location"] == "/tasks"


@ONE_DATABASE
@pytest.mark.parametrize("line", ["", "tag:" + "x" * 51 + " milk", "\u202e due:today"])
def test_a_line_that_is_refused_is_kept_as_it_was_typed(app: Flask, alice: Person, line: str) -> None:
    page = Browser(app, alice).post("/tasks", "/account", title=line, back="/account")
    assert page.status_code == 422
    assert f'value="{line}"' in page.text
    assert "There is a problem" in page.text


@ONE_DATABASE
def test_the_longest_line_fits_into_the_message(app: Flask, alice: Person) -> None:
    line = "x " + "".join(f"tag:{n}\U0001f600\U0001f600 " for n in range(45))
    answer = Browser(app, alice).post("/tasks", "/tasks", title=line)
    assert answer.status_code == 303
    assert max(len(cookie) for cookie in answer.headers.getlist("Set-Cookie")) < 2000


@pytest.mark.parametrize("page", ["/tasks", "/account"])
def test_a_form_that_is_sent_again_as_it_was_adds_no_second_task(
    app: Flask, alice: Person, count: Count, page: str
) -> None:
    browser = Browser(app, alice)
    (key,) = re.findall(r'name="form_key" value="([^"]+)"', browser.get(page).text)
    for _ in range(2):
        assert browser.post("/tasks", page, title="Milk", form_key=key).status_code == 303
        assert message(browser)[0] == "Added “Milk”."
    assert count("tasks") == 1
    browser.post("/tasks", page, title="Bread", form_key=key)
    (another,) = re.findall(r'name="form_key" value="([^"]+)"', browser.get(page).text)
    browser.post("/tasks", page, title="Milk", form_key=another)
    for _ in range(2):
        browser.post("/tasks", page, title="Milk")
    assert count("tasks") == 5


@STRICT_DATABASE
def test_a_form_that_four_threads_send_at_once_adds_one_task(app: Flask, alice: Person, count: Count) -> None:
    browsers = [Browser(app, alice) for _ in range(4)]
    tokens = [re.findall(r'name="csrf_token" value="([^"]+)"', each.get("/tasks").text)[0] for each in browsers]
    pairs = list(zip(browsers, tokens, strict=True))
    with ThreadPoolExecutor(len(pairs)) as pool:
        sent = [
            pool.submit(browser.send, "/tasks", {"csrf_token": token, "title": "Milk", "form_key": "k"})
            for browser, token in pairs
        ]
    assert {each.result().status_code for each in sent} == {303}
    assert count("tasks") == 1
