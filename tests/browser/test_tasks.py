"""Tasks in a real browser: without full reloads and by keyboard where there is JavaScript, all the same without."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_journey import fill_sign_in, with_and_without_javascript
from tests.conftest import ONE_DATABASE
from tests.people import PASSWORD, Person

TITLES = ("Answer", "Buy", "Call")


def open_list(open_page: OpenPage, person: Person, path: str = "/tasks", **options: object) -> Page:
    """Sign in and open a list; its window remembers whether it is the one that was opened."""
    page = open_page(**options)
    page.goto(f"/login?next={path}")
    fill_sign_in(page, person.email, PASSWORD)
    expect(page).to_have_url(re.compile(re.escape(path)))
    if options.get("java_script_enabled", True):
        page.wait_for_load_state()  # before its script has run, a link leads to another page
        page.evaluate("window.first = true")
    return page


def plant(person: Person, *titles: str) -> None:
    for days, title in enumerate(titles or TITLES):
        person.make_task(title=title, due_date=f"{date(2030, 1, 10) + timedelta(days=days)}")


def titles(page: Page) -> Locator:
    return page.locator(".task-title")


def tick(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_label(f"Select: {name}").check()


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
def test_the_whole_list_can_be_worked_by_keyboard(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    keys, focused = page.keyboard.press, page.locator(":focus")
    keys("j")
    keys("j")
    expect(focused).to_have_text("Buy")
    keys("c")
    expect(titles(page)).to_have_text(["Answer", "Call"])
    expect(focused).to_have_text("Call")
    keys("u")
    expect(titles(page)).to_have_text(TITLES)
    page.locator("body").press("k")
    for name in ("Answer", "Call"):
        page.get_by_role("link", name=name).focus()
        keys("x")
    expect(page.get_by_label("Select: Call")).to_be_checked()
    keys("Delete")  # what is ticked, wherever the focus is
    expect(titles(page)).to_have_text(["Buy"])
    keys("u")
    expect(titles(page)).to_have_text(TITLES)
    page.get_by_role("link", name="Call").focus()
    keys("Delete")
    expect(titles(page)).to_have_text(["Answer", "Buy"])
    keys("e")
    expect(page.get_by_role("dialog").get_by_label("Title")).to_have_value("Buy")
    keys("Escape")
    keys("n")
    page.keyboard.type("cjx?")
    keys("Enter")
    expect(titles(page)).to_have_text(["Answer", "Buy", "cjx?"])
    expect(page.get_by_label("New task")).to_be_focused()
    page.get_by_role("link", name="Answer").focus()
    keys("/")
    expect(page.get_by_label("Search open tasks")).to_be_focused()
    page.keyboard.type("Buy")
    keys("Enter")
    expect(titles(page)).to_have_text(["Buy"])
    keys("Tab")
    keys("g")
    keys("t")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks for today")
    keys("g")
    keys("a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Open tasks")
    page.go_back()
    page.go_back()
    expect(titles(page)).to_have_text(["Buy"])
    expect(page).to_have_title(re.compile("^Open tasks"))
    assert page.evaluate("window.first")

    # What is only one key can be pressed by mistake, or by speaking: it can be turned off, for good.
    page.locator("body").press("?")
    page.get_by_role("dialog").get_by_label("Use them in this browser").uncheck()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.goto("/account")
    page.locator("body").press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def lose_the_answer(route: Route) -> None:
    route.fetch(max_redirects=0)
    route.abort("internetdisconnected")


@ONE_DATABASE
def test_who_is_faster_than_the_answers_loses_nothing(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())

    new = page.get_by_label("New task")
    with page.expect_request("**/tasks"):
        for title in ("First", "Second"):
            new.fill(title)
            new.press("Enter")
    new.fill("Half of the thi")
    for name in ("Buy", "Answer", "Buy"):
        page.get_by_role("button", name=f"Complete: {name}").click()
    assert len(held) == 1
    for _ in range(4):
        while not held:  # the one whose turn it is
            page.wait_for_timeout(10)
        held.pop().continue_()
    expect(titles(page)).to_have_text(["Call", "First", "Second"])
    expect(new).to_have_value("Half of the thi")
    assert held == []

    # The connection breaks: what was sent and typed over is named.
    with page.expect_request("**/tasks"):
        for title in ("Third", "Fourth"):
            new.fill(title)
            new.press("Enter")
    held.pop().abort("internetdisconnected")
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Third, Fourth")
    expect(new).to_have_value("Fourth")

    # Or only the answer is lost.
    page.unroute_all()
    page.route("**/tasks", lose_the_answer, times=1)
    new.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Fourth")
    new.press("Enter")
    expect(titles(page)).to_have_text(["Call", "First", "Second", "Fourth"])


@ONE_DATABASE
def test_the_list_behind_a_dialog_is_fresh_when_that_is_closed(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.get_by_role("link", name="Buy").click()
    dialog = page.get_by_role("dialog")
    task = next(task for task in alice.get("/tasks").get_json()["items"] if task["title"] == "Buy")
    alice.delete(f"/tasks/{task['id']}")
    dialog.get_by_label("Title").fill("Buy milk")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("link", name="Leave it in the trash").click()
    expect(titles(page)).to_have_text(["Answer", "Call"])


@ONE_DATABASE
def test_without_a_connection_nothing_is_lost_and_nothing_is_sent_twice(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.context.set_offline(True)
    page.get_by_label("New task").fill("Drink tea")
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Drink tea")
    expect(page.get_by_label("New task")).to_have_value("Drink tea")
    page.context.set_offline(False)
    held: list[Route] = []
    page.route("**/tasks", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    with page.expect_request("**/tasks"):
        for _ in range(3):
            page.get_by_role("button", name="Add task").click()
    assert len(held) == 1
    held[0].continue_()
    expect(titles(page)).to_have_text([*TITLES, "Drink tea"])
    expect(page.get_by_label("New task")).to_be_focused()

    # Signed out meanwhile: the way to sign in, as without JavaScript.
    alice.client.delete(alice.url("/sessions"), headers=alice.bearer())
    page.get_by_role("button", name="Complete: Answer").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@ONE_DATABASE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_long_titles_and_long_lists_fit_a_phone(open_page: OpenPage, alice: Person, scheme: str) -> None:
    plant(alice, "x" * 500, "כותרת מימין לשמאל עם סוף", *(f"Task {n}" for n in range(48)))
    page = open_list(open_page, alice, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    boxes = page.locator(".pick").all()
    assert all((box.bounding_box() or {"width": 0})["width"] >= 44 for box in boxes[:3])
    boxes[0].click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("form", name="Selected tasks")).to_be_in_viewport()
