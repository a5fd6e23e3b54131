"""Pages: a form that was open while another device saved undoes nothing and loses nothing."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.pages import Browser
from tests.people import Person


def form(page: str) -> dict[str, str]:
    """Return the hidden fields of the edit form."""
    found = dict(re.findall(r'name="(csrf_token|rev)"[^>]*value="([^"]*)"', page[page.index('id="edit"') :]))
    assert found.keys() == {"csrf_token", "rev"}, page
    return found


def typed(**fields: Any) -> dict[str, Any]:
    return {"title": "Mine", "priority": "none", "tags": "", "notes": "Typed for an hour", "due_date": ""} | fields


def test_saving_a_task_that_is_as_it_was_shown_saves_it(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    hidden = form(browser.get(f"/tasks/{task['id']}").text)
    assert browser.send(f"/tasks/{task['id']}", hidden | typed()).status_code == 303
    assert alice.get(f"/tasks/{task['id']}").get_json()["title"] == "Mine"


def test_saving_a_task_that_was_changed_meanwhile_shows_both_versions_and_saves_nothing(
    app: Flask, alice: Person
) -> None:
    task, browser = alice.make_task(due_date="2026-11-30"), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    theirs = alice.patch(path, {"title": "Theirs <b>", "priority": "high", "tags": ["home"]}).get_json()
    answer = browser.send(path, hidden | typed())
    assert answer.status_code == 409
    for text in ("changed in the meantime", "Theirs &lt;b&gt;", "Mine", "Typed for an hour", "High", "2026-11-30"):
        assert text in answer.text
    assert alice.get(path).get_json() == theirs
    # Whoever has seen both may save.
    assert browser.send(path, form(answer.text) | typed()).status_code == 303
    assert alice.get(path).get_json()["title"] == "Mine"


def test_saving_again_because_the_answer_was_lost_is_no_conflict(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    sent = form(browser.get(path).text) | typed(tags="#home", due_date="2026-12-01", due_time="09:30")
    for _ in range(2):
        assert browser.send(path, sent).status_code == 303
    assert alice.get(path).get_json()["tags"] == ["home"]
    assert browser.send(path, sent | {"completed": "y"}).status_code == 409
    alice.delete(path)
    assert browser.send(path, sent).status_code == 409


def test_a_task_added_to_the_list_of_a_day_that_is_over_is_for_the_new_day(app: Flask, alice: Person) -> None:
    alice.patch("", {"timezone": "Pacific/Auckland"})
    browser = Browser(app, alice)
    midnight = datetime(2026, 12, 2, tzinfo=ZoneInfo("Pacific/Auckland"))
    with time_machine.travel(midnight - timedelta(minutes=10), tick=False):
        page = browser.get("/tasks?status=today").text
        assert '<input type="hidden" name="today" value="2026-12-01">' in page
        token = browser.form_token("/tasks?status=today")
    with time_machine.travel(midnight + timedelta(minutes=2), tick=False):
        for title, due in (("As it was filled in", "2026-12-01"), ("Another day", "2026-12-24")):
            fields = {"csrf_token": token, "title": title, "due_date": due, "today": "2026-12-01"}
            assert browser.send("/tasks?status=today", fields).status_code == 303
    listed = {item["title"]: item["due_date"] for item in alice.get("/tasks").get_json()["items"]}
    assert listed == {"As it was filled in": "2026-12-02", "Another day": "2026-12-24"}


def test_a_second_change_while_one_decides_is_shown_too(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    alice.patch(path, {"title": "Theirs"})
    hidden = form(browser.send(path, hidden | typed()).text)
    alice.patch(path, {"title": "Theirs again"})
    answer = browser.send(path, hidden | typed())
    assert answer.status_code == 409
    assert "Theirs again" in answer.text


def test_a_refused_form_still_knows_which_version_it_is_about(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    alice.patch(path, {"title": "Theirs"})
    refused = browser.send(path, hidden | typed(title=""))
    assert refused.status_code == 422
    assert browser.send(path, form(refused.text) | typed()).status_code == 409


def test_what_was_typed_for_a_task_that_went_to_the_trash_meanwhile_can_be_saved_with_it(
    app: Flask, alice: Person
) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    alice.delete(path)
    answer = browser.send(path, hidden | typed())
    assert answer.status_code == 409
    for text in ("moved to the trash in the meantime", "Typed for an hour", "Restore and save mine"):
        assert text in answer.text
    assert alice.get(path).get_json()["deleted_at"]
    saving = form(answer.text) | typed() | {"restore": "1"}
    refused = browser.send(path, saving | {"title": ""})
    assert refused.status_code == 422
    for text in ("Enter a title.", "Typed for an hour", "Restore and save mine"):
        assert text in refused.text
    assert browser.send(path, saving).status_code == 303
    saved = alice.get(path).get_json()
    assert (saved["title"], saved["notes"], saved["deleted_at"]) == ("Mine", "Typed for an hour", None)
    # What another device has done since then is not overwritten.
    alice.patch(path, {"title": "Theirs"})
    assert browser.send(path, saving).status_code == 409


def test_what_was_typed_for_a_task_that_is_gone_for_good_is_not_found(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    alice.delete(path)
    alice.delete(f"{path}?permanent=true")
    assert browser.send(path, hidden | typed()).status_code == 404


def test_a_revision_that_is_no_number_is_a_refused_form(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    hidden = form(browser.get(f"/tasks/{task['id']}").text)
    for rev in ("x", "9" * 30, "-1"):
        assert browser.send(f"/tasks/{task['id']}", hidden | typed(rev=rev)).status_code in (409, 422)


@ONE_DATABASE
def test_the_way_back_is_the_list_one_came_from(app: Flask, alice: Person) -> None:
    path = f"/tasks/{alice.make_task()['id']}?back=/tasks?status%3Dtoday"
    assert Browser(app, alice).get(path).text.count('href="/tasks?status=today">') == 3  # two ways back, and a shortcut


def test_what_is_restored_and_saved_is_neither_if_it_cannot_be_saved(app: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    path = f"/tasks/{task['id']}"
    hidden = form(browser.get(path).text)
    alice.delete(path)
    saving = form(browser.send(path, hidden | typed()).text) | typed() | {"restore": "1"}
    before = alice.get(path).get_json()
    refused = browser.send(path, saving | {"due_date": "", "due_time": "10:00"})
    assert refused.status_code == 422
    assert alice.get(path).get_json() == before
    assert browser.send(path, form(refused.text) | typed() | {"restore": "1"}).status_code == 303
    assert alice.get(path).get_json()["deleted_at"] is None
