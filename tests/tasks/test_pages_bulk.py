"""Pages: what is done to all that are ticked, and deleting for good."""

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.models import utcnow
from tests.conftest import ONE_DATABASE, Count
from tests.pages import Browser
from tests.people import Person
from tests.tasks.planting import plant
from tests.tasks.test_pages_undo import message, press_undo, state


def bulk(browser: Browser, action: str, tasks: list[str], **fields: str) -> TestResponse:
    return browser.post("/tasks/bulk?status=completed&q=x", "/tasks", action=action, task=tasks, **fields)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("complete", "Completed 2 tasks."),
        ("reopen", "Reopened 2 tasks."),
        ("delete", "Moved 2 tasks to the trash."),
        ("restore", "Restored 2 tasks."),
    ],
)
def test_what_is_ticked_changes_at_once_and_back_at_once(app: Flask, alice: Person, action: str, said: str) -> None:
    one, two, as_wanted, other = (alice.make_task(completed=action == "reopen")["id"] for _ in range(4))
    browser = Browser(app, alice)
    if action == "restore":
        for task in (one, two):
            alice.delete(f"/tasks/{task}")
    else:
        browser.post(f"/tasks/{as_wanted}/{action}", "/tasks")
        message(browser)
    before = state(alice, one, two, as_wanted, other)
    assert bulk(browser, action, [one, two, as_wanted, one]).headers["Location"] == "/tasks?status=completed&q=x"
    after = state(alice, one, two, as_wanted, other)
    assert [new != old for new, old in zip(after, before, strict=True)] == [True, True, False, False]
    assert press_undo(browser, expected=said) == "Undone: 2 tasks are as before."
    assert state(alice, one, two, as_wanted, other) == before


def test_a_whole_page_can_be_ticked_and_taken_back(app: Flask, alice: Person, count: Count) -> None:
    tasks, browser = plant(app, alice.id, 50, lambda _: {}), Browser(app, alice)
    assert len(re.findall(r'<input type="checkbox" form="bulk" name="task"', browser.get("/tasks").text)) == 50
    answer = bulk(browser, "delete", tasks)
    assert max(len(cookie) for cookie in answer.headers.getlist("Set-Cookie")) < 1000
    assert count("tasks WHERE deleted_at IS NOT NULL") == 50
    press_undo(browser, expected="Moved 50 tasks to the trash.")
    assert count("tasks WHERE deleted_at IS NOT NULL") == 0


@ONE_DATABASE
def test_with_nothing_ticked_the_list_says_so(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    page = browser.post("/tasks/bulk", "/tasks", action="complete")
    assert page.status_code == 422
    assert "<title>Error: Open tasks" in page.text
    assert "Nothing is selected." in page.text
    assert state(alice, task["id"])[0]["completed"] is False
    for wrong in ({"action": "burn", "task": task["id"]}, {"action": "complete", "task": "x"}, {"task": task["id"]}):
        assert browser.post("/tasks/bulk", "/tasks", **wrong).status_code == 422
    assert bulk(browser, "complete", [str(uuid4()) for _ in range(101)]).status_code == 422


@pytest.mark.parametrize("action", ["complete", "delete", "remove"])
def test_one_that_is_not_there_any_more_keeps_all_as_they_are(
    app: Flask, alice: Person, bob: Person, action: str
) -> None:
    mine, theirs, browser = alice.make_task()["id"], bob.make_task()["id"], Browser(app, alice)
    before: list[Any] = [*state(alice, mine), *state(bob, theirs)]
    page = browser.post("/tasks/bulk", "/tasks", action=action, task=[mine, theirs], confirmed="1")
    assert page.status_code == 409
    assert "Nothing was done" in page.text
    assert f'value="{mine}" aria-label="Select: Buy milk" checked>' in page.text
    assert [*state(alice, mine), *state(bob, theirs)] == before


def test_deleting_for_good_asks_first_and_takes_only_what_is_in_the_trash(
    app: Flask, alice: Person, count: Count
) -> None:
    tasks, browser = [alice.make_task(title=f"<b>{n}")["id"] for n in range(3)], Browser(app, alice)
    for task in tasks[:2]:
        alice.delete(f"/tasks/{task}")
    page = bulk(browser, "remove", tasks[:1])
    assert page.status_code == 200
    assert "&lt;b&gt;0" in page.text
    assert "This cannot be undone." in page.text
    assert count("tasks") == 3
    assert bulk(browser, "remove", tasks, confirmed="1").status_code == 409
    assert count("tasks") == 3
    assert "Delete 2 tasks for good?" in bulk(browser, "remove", tasks[:2]).text
    assert bulk(browser, "remove", tasks[:2], confirmed="1").status_code == 303
    assert message(browser) == ("Deleted 2 tasks for good.", "")
    assert count("tasks") == 1
    assert [item["id"] for item in alice.get("/tasks/changes").get_json()["items"] if item.get("deleted")] == tasks[:2]


def test_emptying_the_trash_asks_first_and_takes_all_of_ones_own_and_nothing_else(
    app: Flask, alice: Person, bob: Person, count: Count, statements: list[str]
) -> None:
    browser = Browser(app, alice)
    plant(app, alice.id, 501, lambda _: {"deleted_at": utcnow()})
    kept = alice.make_task()["id"]
    bob.delete(f"/tasks/{bob.make_task()['id']}")
    assert 'action="/tasks/empty-trash"' in browser.get("/tasks?status=trash").text
    asked = browser.post("/tasks/empty-trash", "/tasks")
    assert asked.status_code == 200
    assert "501 tasks will be deleted. This cannot be undone." in asked.text
    assert count("tasks") == 503
    statements.clear()
    done = browser.post("/tasks/empty-trash", "/tasks", confirmed="1")
    assert (done.status_code, done.headers["Location"]) == (303, "/tasks?status=trash")
    assert sum(sql.startswith("DELETE FROM tasks") for sql in statements) == 2  # no lock is held for long
    assert message(browser) == ("Deleted 501 tasks for good.", "")
    assert [count("tasks"), count("tasks WHERE deleted_at IS NOT NULL")] == [2, 1]
    assert alice.get(f"/tasks/{kept}").status_code == 200
    changes = alice.get("/tasks/changes?limit=200").get_json()["items"]
    assert sum("deleted" in item for item in changes) >= 199
    assert 'action="/tasks/empty-trash"' not in browser.get("/tasks?status=trash").text
    browser.post("/tasks/empty-trash", "/tasks", confirmed="1")
    assert message(browser) == ("Deleted 0 tasks for good.", "")


def test_all_of_a_page_can_be_selected_at_once_and_none(app: Flask, alice: Person) -> None:
    ids = {alice.make_task()["id"] for _ in range(3)}
    browser = Browser(app, alice)
    page = browser.get("/tasks?q=Buy&select=all").text
    assert ids == set(re.findall(r'name="task" value="([^"]+)"[^>]* checked', page))
    assert "3 selected" in page
    assert 'href="/tasks?q=Buy"><span class="unseen">Select </span>None<' in page
    page = browser.get("/tasks?q=Buy").text
    assert not re.search(r'name="task"[^>]* checked', page)
    assert 'href="/tasks?select=all&amp;q=Buy"><span class="unseen">Select </span>All<' in page
