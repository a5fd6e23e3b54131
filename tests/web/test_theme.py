"""The theme: chosen once, kept with the account, in the page that the server sends."""

import re

import pytest
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.pages import Browser
from tests.people import Person

pytestmark = ONE_DATABASE


def shown(browser: Browser, page: str = "/tasks") -> tuple[list[str], str, list[str]]:
    """Return the theme that the page names, its colour schemes, and the conditions of its theme colours."""
    text = browser.get(page).text
    themes = re.findall(r'<html lang="en" data-theme="(\w+)">', text)
    scheme = re.findall(r'<meta name="color-scheme" content="([^"]+)">', text)
    return themes, scheme[0], re.findall(r'<meta name="theme-color" content="#\w+"(.*)>', text)


def test_without_a_choice_pages_look_like_the_system(app: Flask, alice: Person) -> None:
    assert alice.get().get_json()["theme"] == "system"
    for browser, page in ((Browser(app), "/login"), (Browser(app, alice), "/tasks")):
        themes, scheme, colours = shown(browser, page)
        assert (themes, scheme) == ([], "light dark")
        assert colours == [f' media="(prefers-color-scheme: {each})"' for each in ("light", "dark")]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_chosen_on_the_account_page_is_in_every_page_on_every_device(
    app: Flask, alice: Person, theme: str
) -> None:
    here, there = Browser(app, alice), Browser(app, alice)
    form = {"name": "Alice", "timezone": "UTC", "theme": theme}
    assert here.post("/account/profile", "/account", **form).status_code == 303
    for browser in (here, there):
        for page in ("/tasks", "/account"):
            assert shown(browser, page) == ([theme], theme, [""])
    assert f'checked id="theme-{("system", "light", "dark").index(theme)}"' in here.get("/account").text
    assert alice.get("/api/me").get_json()["theme"] == theme


def test_a_theme_set_through_the_api_is_in_the_pages(app: Flask, alice: Person) -> None:
    assert alice.patch("", {"theme": "dark"}).get_json()["theme"] == "dark"
    assert shown(Browser(app, alice))[0] == ["dark"]
    assert alice.patch("", {"name": "A"}).get_json()["theme"] == "dark"


def test_another_theme_is_refused_and_a_form_without_one_changes_none(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    alice.patch("", {"theme": "dark"})
    answer = browser.post("/account/profile", "/account", name="Al", timezone="UTC", theme="dark onload=x")
    assert answer.status_code == 422
    assert 'href="#theme"' in answer.text
    assert browser.post("/account/profile", "/account", name="Al", timezone="UTC").status_code == 303
    assert (alice.get().get_json()["name"], alice.get().get_json()["theme"]) == ("Al", "dark")
