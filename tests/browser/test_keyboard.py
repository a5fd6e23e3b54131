"""The pages without a mouse, on a phone, in forced colours, and without motion."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.cast import enter, make_cast
from tests.browser.conftest import OpenPage
from tests.browser.states import answered
from tests.browser.steps import TITLES, open_list, plant, titles
from tests.conftest import ONE_DATABASE
from tests.people import PASSWORD, Person
from tests.servers import Server

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const name = element.labels?.[0]?.textContent || element.ariaLabel || element.textContent;
    const seen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    // The button in a field for a date is a part that Chromium draws, with its focus.
    const part = !element.matches(":focus") && element.matches("[type=date], [type=time]");
    // Behind the last control come those of the browser.
    const outside = element === document.body;
    return {name: outside ? "" : name.trim().replace(/\\s+/g, " "), visible: outside || (seen && (outlined || part))};
}"""
#: Controls lower or narrower than 44 pixels; links in a sentence are as high as its line (WCAG 2.5.8, exception).
TOO_SMALL = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((element) => element.checkVisibility() && !element.matches(".skip, p:not(.aside, .up) a:not(.button)"))
    .map((element) => element.matches("[type=checkbox], [type=radio]") ? element.parentElement : element)
    .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 44)
    .map(([html, box]) => `${Math.round(box.width)} by ${Math.round(box.height)}: ${html}`)"""
MOVING = """() => [...document.querySelectorAll("*")].filter((element) => {
    const style = getComputedStyle(element);
    return parseFloat(style.transitionDuration) || style.animationName !== "none" || style.scrollBehavior === "smooth";
}).map((element) => element.outerHTML.slice(0, 100))"""


def tab_to(page: Page, name: str, key: str = "Tab") -> list[str]:
    """Press a key until the control of this name has the focus; return the names of all that had it on the way."""
    passed = []
    for _ in range(60):
        page.keyboard.press(key)
        focused = page.evaluate(FOCUSED)
        passed.append(focused["name"])
        assert focused["visible"], f"nobody sees that the focus is on {focused['name'][:60]}, after {passed[-9:]}"
        if focused["name"] == name:
            return passed
    raise AssertionError(f"{name} is not to be reached: {passed}")


def write(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def press(page: Page, name: str, key: str = "Enter", way: str = "Tab") -> None:
    tab_to(page, name, way)
    with answered(page):
        page.keyboard.press(key)


@ONE_DATABASE
@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_register_add_complete_undo_edit_and_sign_out_by_keyboard_alone(open_page: OpenPage, javascript: bool) -> None:
    page = open_page(java_script_enabled=javascript)
    page.goto("/login")
    press(page, "Create an account")
    write(page, "E-mail address", "keys@example.org")
    write(page, "Password", "short")
    press(page, "Create account")
    # The focus is on what went wrong, and the next thing is the link to the field.
    assert page.evaluate("document.activeElement.className") == "summary"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    with answered(page):
        page.keyboard.press("Enter")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    passed = tab_to(page, "Add task")
    assert passed == ["New task", "Add task"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Water the plants")
    with answered(page):
        page.keyboard.press("Enter")
    press(page, "Complete: Water the plants", "Space")
    expect(page.get_by_text("Completed “Water the plants”.")).to_be_visible()
    # Where the page is not loaded anew, the focus is on the list, and the message right before it.
    press(page, "Undo", "Space", "Shift+Tab" if javascript else "Tab")
    press(page, "Water the plants")
    write(page, "Title", "Water all plants")
    tab_to(page, "Completed")
    page.keyboard.press("Space")
    press(page, "Save")
    expect(page.get_by_text("Saved “Water all plants”.")).to_be_visible()
    press(page, "Sign out")
    expect(page.get_by_text("You are signed out.")).to_be_visible()


@ONE_DATABASE
def test_controls_are_large_enough_for_a_thumb_and_nothing_moves_for_who_wants_none(
    app: Flask, server: Server, open_page: OpenPage
) -> None:
    people, ids = make_cast(app)
    page = open_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    found = []
    for path in ("/login", "/register", "/tasks", "/tasks/" + ids["task"], "/account", "/account/data"):
        page.goto(path)
        assert page.url.endswith(path)
        found += [f"{path}: {each}" for each in page.evaluate(TOO_SMALL) + page.evaluate(MOVING)]
        if path == "/register":
            enter(app, page.context, people["alice"], server.url)

    assert found == []


@ONE_DATABASE
def test_in_forced_colours_every_control_still_has_an_edge_or_a_text(
    server: Server, app: Flask, open_page: OpenPage, alice: Person
) -> None:
    alice.make_task(title="Buy milk")
    page = open_page(forced_colors="active")
    enter(app, page.context, alice, server.url)
    page.goto("/tasks")
    tick = page.get_by_role("button", name="Complete: Buy milk").locator(".icon")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert tick.evaluate("icon => getComputedStyle(icon).borderTopColor") != background
    for control in ("input[name=title]", "button.primary", ".search .button"):
        style = "element => { const s = getComputedStyle(element); return [s.borderTopStyle, s.borderTopColor]; }"
        kind, colour = page.locator(control).first.evaluate(style)
        assert kind == "solid", control
        assert colour != background, control
    tab_to(page, "Add task")


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
