"""Pages: every change can be taken back, as long as nobody has changed the task since."""

import re
from typing import Any

from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.pages import Browser
from tests.people import Person
from tests.tasks.test_pages import form

EDITED = {"title": "New", "priority": "low", "tags": "b", "notes": "n", "due_date": "2030-01-02", "due_time": "09:30"}


def message(browser: Browser) -> tuple[str, str]:
    """Return what the next page says, and where the button beside it leads."""
    page = browser.get("/tasks").text
    found = re.search(r'<div class="message">\s*<p>([^<]*)</p>(?:\s*<form method="post" action="([^"]*)")?', page)
    assert found, page
    return found[1], found[2] or ""


def press_undo(browser: Browser, expected: str) -> str:
    """Press the button beside the message that is expected; return what is said then."""
    said, address = message(browser)
    assert said == expected
    assert browser.post(address, "/tasks", back="/tasks?status=today").headers["Location"] == "/tasks?status=today"
    return message(browser)[0]


def state(person: Person, *tasks: str) -> list[dict[str, Any]]:
    """Return tasks as they are, but for what every write changes."""
    found = [person.get(f"/tasks/{task}").get_json() for task in tasks]
    return [{name: value for name, value in task.items() if name not in ("rev", "updated_at")} for task in found]


def test_each_change_of_one_task_can_be_taken_back_and_done_again(app: Flask, alice: Person) -> None:
    fields = {"title": "Old", "tags": ["a"], "due_date": "2026-11-30", "due_time": "08:00", "priority": "high"}
    task, browser = alice.make_task(completed=True, **fields)["id"], Browser(app, alice)
    for path, sent, said in (
        ("", EDITED | {"completed": "y"}, "Saved “New”."),
        ("", {"title": "Old", "due_date": "", "due_time": "", "tags": ""}, "Saved “Old”."),
        ("/reopen", {}, "Reopened “Old”."),
        ("/complete", {}, "Completed “Old”."),
        ("/delete", {}, "Moved “Old” to the trash."),
        ("/restore", {}, "Restored “Old”."),
    ):
        if path == "/complete":
            alice.patch(f"/tasks/{task}", {"completed": False})
        if path == "/restore":
            alice.delete(f"/tasks/{task}")
        before = state(alice, task)
        browser.post(f"/tasks/{task}{path}", "/tasks", **sent)
        after = state(alice, task)
        assert after != before, said
        shown, address = message(browser)
        assert shown == said
        browser.post(address, "/tasks")
        assert state(alice, task) == before, said
        for tag in ("a", "b"):
            found = alice.get(f"/tasks?q=tag:{tag}+is:all").get_json()["items"]
            assert len(found) == (tag in before[0]["tags"] and not before[0]["deleted_at"])
        shown, address = message(browser)
        assert shown == "Undone: “Old” is as before."
        browser.post(address, "/tasks")
        assert state(alice, task) == after, said
        shown, address = message(browser)
        assert re.fullmatch("Redone: “(Old|New)” is as before.", shown)
        browser.post(address, "/tasks")
        assert message(browser)[0] == "Undone: “Old” is as before."


def test_an_added_task_goes_to_the_trash_and_comes_back(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    browser.post("/tasks", "/tasks", title="Buy milk")
    assert press_undo(browser, expected="Added “Buy milk”.") == "Undone: “Buy milk” is as before."
    (task,) = alice.get("/tasks?status=trash").get_json()["items"]
    browser.post(f"/tasks/undo/{task['rev']}", "/tasks")
    assert [item["title"] for item in alice.get("/tasks").get_json()["items"]] == ["Buy milk"]


def test_what_was_changed_since_stays(app: Flask, alice: Person, bob: Person) -> None:
    tasks, browser = [alice.make_task()["id"] for _ in range(3)], Browser(app, alice)
    browser.post("/tasks/bulk", "/tasks", action="complete", task=tasks)
    alice.patch(f"/tasks/{tasks[0]}", {"notes": "from another device"})
    changed = state(alice, tasks[0])
    assert press_undo(browser, expected="Completed 3 tasks.") == "Undone: 2 tasks are as before."
    assert state(alice, tasks[0]) == changed
    assert [task["completed"] for task in state(alice, *tasks)] == [True, False, False]

    # Nor can it be undone twice, or by somebody else, or what is no revision.
    browser.post(f"/tasks/{tasks[0]}/delete", "/tasks")
    address, stranger = message(browser)[1], Browser(app, bob)
    stranger.post(address, "/tasks")
    assert message(stranger) == ("There is nothing left to undo: it was changed again since.", "")
    alice.post(f"/tasks/{tasks[0]}/restore")
    browser.post(address, "/tasks")
    assert message(browser) == ("There is nothing left to undo: it was changed again since.", "")
    assert state(alice, tasks[0]) == changed
    for rev in (2**63 - 1, 2**63, 2**200, "x", -1):
        assert browser.post(f"/tasks/undo/{rev}", "/tasks").status_code in (303, 404)


def test_what_did_not_change_a_task_offers_no_way_back(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(completed=True)["id"], Browser(app, alice)
    browser.post(f"/tasks/{task}/complete", "/tasks")
    assert message(browser) == ("Completed “Buy milk”.", "")


def test_a_button_for_a_task_that_went_meanwhile_leads_to_the_list_as_it_is(app: Flask, alice: Person) -> None:
    trashed, gone = alice.make_task()["id"], alice.make_task()["id"]
    browser = Browser(app, alice)
    for path in (trashed, gone, f"{gone}?permanent=true"):
        assert alice.delete(f"/tasks/{path}").status_code == 204
    for action in ("complete", "reopen"):
        answer = browser.post(f"/tasks/{trashed}/{action}", "/tasks", back="/tasks?status=completed")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks?status=completed")
        assert message(browser)[0].startswith("Nothing was done: that task is not where it was.")
    for action in ("restore", "delete"):
        assert browser.post(f"/tasks/{gone}/{action}", "/tasks").status_code == 404


@ONE_DATABASE
def test_a_move_to_another_time_zone_is_no_change_to_take_back(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(due_date="2026-11-30", due_time="08:00")["id"], Browser(app, alice)
    alice.patch("", {"timezone": "Asia/Tokyo"})
    browser.post(f"/tasks/undo/{alice.get(f'/tasks/{task}').get_json()['rev']}", "/tasks")
    assert message(browser)[0].startswith("There is nothing left to undo")
    assert state(alice, task)[0]["deleted_at"] is None


def test_what_was_restored_and_saved_in_one_is_undone_in_one(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(title="Old")["id"], Browser(app, alice)
    path = f"/tasks/{task}"
    hidden = form(browser.get(path).text)
    alice.delete(path)
    before = state(alice, task)
    asked = browser.send(path, hidden | {"title": "New"})
    browser.send(path, form(asked.text) | {"title": "New", "restore": "1"})
    assert state(alice, task)[0]["title"] == "New"
    assert press_undo(browser, "Saved “New”.") == "Undone: “Old” is as before."
    assert state(alice, task) == before
