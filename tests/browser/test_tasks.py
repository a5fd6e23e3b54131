"""Tasks in a real browser: with no full reload and nothing lost where there is JavaScript, all the same without."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import TITLES, open_list, plant, tick, titles, with_and_without_javascript
from tests.conftest import ONE_DATABASE
from tests.people import Person


@ONE_DATABASE
@with_and_without_javascript
def test_what_is_ticked_is_completed_at_once_taken_back_and_deleted_for_good(
    open_page: OpenPage, alice: Person, javascript: bool
) -> None:
    plant(alice)
    page = open_list(open_page, alice, java_script_enabled=javascript)
    bar = page.get_by_role("form", name="Selected tasks")
    expect(bar).to_be_visible(visible=not javascript)
    tick(page, "Answer", "Call")
    if javascript:
        expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_contain_text("Completed 2 tasks.")
    expect(titles(page)).to_have_text(["Buy"])
    page.get_by_role("button", name="Undo").click()
    expect(titles(page)).to_have_text(TITLES)

    tick(page, "Answer", "Buy")
    bar.get_by_role("button", name="Delete").click()
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_role("heading", name="Trash")).to_be_visible()  # the list before it has a box for Buy, too
    tick(page, "Buy")
    page.get_by_role("button", name="Delete for good").click()
    if javascript:
        expect(page.get_by_role("dialog")).to_contain_text("This cannot be undone.")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        bar.get_by_role("button", name="Delete for good").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    else:
        page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_contain_text("Deleted 1 task for good.")
    expect(titles(page)).to_have_text(["Answer"])
    assert not javascript or page.evaluate("window.first")


@ONE_DATABASE
def test_what_is_half_typed_stays_while_other_tasks_are_dealt_with(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    new = page.get_by_label("New task")
    new.fill("Water the")
    page.get_by_text("Due date, priority, tags, notes").click()
    page.get_by_label("Notes").fill("all of them")
    page.get_by_role("button", name="Complete: Buy").click()
    expect(page.get_by_role("status")).to_contain_text("Completed")
    expect(new).to_have_value("Water the")
    expect(page.get_by_label("Notes")).to_have_value("all of them")
    new.fill("Water the plants")
    new.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Added “Water the plants”.")
    expect(new).to_have_value("")
    new.fill("For another list")
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Tasks for today")).to_be_visible()
    expect(page.get_by_label("New task")).to_have_value("")


@ONE_DATABASE
@with_and_without_javascript
def test_a_task_is_added_on_a_page_without_tasks_and_one_stays_there(
    open_page: OpenPage, alice: Person, javascript: bool
) -> None:
    page = open_list(open_page, alice, "/account", java_script_enabled=javascript)
    page.get_by_text("New task").first.click()
    page.get_by_label("New task").fill("Buy milk tag:home")
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("status")).to_contain_text("Added “Buy milk”: #home.")
    expect(page).to_have_url(re.compile("/account$"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Undone: “Buy milk” is as before.")


@ONE_DATABASE
def test_the_edit_form_opens_over_the_list_and_the_focus_comes_back(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.get_by_role("link", name="Buy").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Title")).to_be_focused()
    dialog.get_by_label("Title").fill("")
    dialog.get_by_role("button", name="Save").click()
    # `required` keeps an empty title here; a date without its time is the server's to refuse.
    dialog.get_by_label("Title").fill("Bake")
    dialog.get_by_label("Due date").fill("")
    dialog.get_by_label("Due time").fill("14:30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A due time needs a due date.")
    expect(dialog.get_by_label("Title")).to_have_value("Bake")
    dialog.get_by_label("Due date").fill("2030-01-11")
    dialog.get_by_label("Due time").fill("")
    dialog.get_by_label("Notes").fill("by Ctrl and Enter")
    dialog.get_by_label("Notes").press("Control+Enter")
    expect(titles(page)).to_have_text(["Answer", "Bake", "Call"])
    expect(page.get_by_role("link", name="Bake")).to_be_focused()
    page.get_by_role("link", name="Call").click()
    dialog.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("link", name="Call")).to_be_focused()

    # Escape, or the gesture for going back, asks before it throws away what was typed.
    page.get_by_role("link", name="Call").click()
    expect(dialog.get_by_label("Title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Call").click()
    dialog.get_by_label("Notes").fill("half a thou")
    page.once("dialog", lambda question: question.dismiss())
    page.keyboard.press("Escape")
    expect(dialog.get_by_label("Notes")).to_have_value("half a thou")
    dialog.get_by_label("Due date").fill("")
    dialog.get_by_label("Due time").fill("14:30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    page.once("dialog", lambda question: question.accept())
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    # Changed on another device: both versions, and nothing lost.
    page.get_by_role("link", name="Call").click()
    dialog.get_by_label("Title").fill("Mine")
    (task,) = [each for each in alice.get("/tasks").get_json()["items"] if each["title"] == "Call"]
    alice.patch(f"/tasks/{task['id']}", {"title": "Theirs"})
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("This task was changed in the meantime")
    dialog.get_by_role("button", name="Save mine").click()
    expect(titles(page)).to_have_text(["Answer", "Bake", "Mine"])
    assert page.evaluate("window.first")


@ONE_DATABASE
def test_going_back_closes_the_edit_form_and_asks_before_it_throws_away_what_was_typed(
    open_page: OpenPage, alice: Person
) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Tasks for today")).to_be_visible()
    page.get_by_role("link", name="Open").click()
    dialog, notes = page.get_by_role("dialog"), page.get_by_role("dialog").get_by_label("Notes")
    page.get_by_role("link", name="Call").click()
    expect(notes).to_be_visible()
    page.evaluate("history.back()")
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile("/tasks$"))

    page.get_by_role("link", name="Call").click()
    notes.fill("half a thought")
    for leave, kind in (("history.back()", "confirm"), ("setTimeout(() => location.reload())", "beforeunload")):
        page.once("dialog", lambda question: question.dismiss())
        with page.expect_event("dialog") as asked:
            page.evaluate(leave)
        assert asked.value.type == kind
        expect(notes).to_have_value("half a thought")
    page.once("dialog", lambda question: question.accept())
    page.evaluate("history.back()")
    expect(dialog).to_have_count(0)
    expect(titles(page)).to_have_text(["Answer", "Buy", "Call"])
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", name="Tasks for today")).to_be_visible()


@ONE_DATABASE
def test_the_list_behind_a_dialog_is_fresh_when_that_is_closed(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.get_by_role("link", name="Buy").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Title")).to_be_visible()  # it is deleted after the form was asked for
    task = next(task for task in alice.get("/tasks").get_json()["items"] if task["title"] == "Buy")
    alice.delete(f"/tasks/{task['id']}")
    dialog.get_by_label("Title").fill("Buy milk")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("link", name="Leave it in the trash").click()
    expect(titles(page)).to_have_text(["Answer", "Call"])
