"""Steps of people in a browser, with JavaScript and without: sign in, add a task, open a list and look at it."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.people import PASSWORD, Person

TITLES = ("Answer", "Buy", "Call")

with_and_without_javascript = pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
#: No database can tell whether a script asks: each is asked in one way.
in_each_way_on_each_database = pytest.mark.parametrize(
    ("environment", "javascript"),
    [("sqlite", True), ("postgresql", False)],
    indirect=["environment"],
    ids=["js-sqlite", "no-js-postgresql"],
)


def fill_sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("main").get_by_role("button", name="Sign in").click()


def add(page: Page, title: str) -> None:
    page.get_by_label("New task").fill(title)
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("link", name=title)).to_be_visible()


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
