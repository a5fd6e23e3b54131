"""The end of a sign-in in a real browser: announced, put off, noticed from another tab; and what was typed stays."""

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.models import utcnow
from tests.auth.test_session_life import change
from tests.browser.conftest import OpenPage
from tests.browser.steps import fill_sign_in, in_each_way_on_each_database, with_and_without_javascript
from tests.conftest import ONE_DATABASE
from tests.pages import Browser
from tests.people import PASSWORD, Person


@pytest.fixture
def page(open_page: OpenPage, app: Flask, alice: Person, request: pytest.FixtureRequest) -> Page:
    """A page in a browser in which Alice is signed in; with or without JavaScript, if the test says so."""
    page = open_page(java_script_enabled=request.node.callspec.params.get("javascript", True))
    signed_in = Browser(app, alice)
    settings = ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME")
    cookies = [{"name": app.config[each], "value": signed_in.cookie(each)} for each in settings]
    page.context.add_cookies([cookie | {"domain": "127.0.0.1", "path": "/"} for cookie in cookies])  # type: ignore[misc]
    return page


def end_in(app: Flask, seconds: int, column: str = "idle_until") -> None:
    change(app, **{column: utcnow() + timedelta(seconds=seconds)})


@ONE_DATABASE
def test_two_minutes_before_the_idle_end_one_is_told_and_stays_with_one_press(app: Flask, page: Page) -> None:
    end_in(app, 400)
    page.clock.install()
    page.goto("/tasks")
    page.get_by_label("New task").fill("Half a thought")
    dialog = page.get_by_role("dialog", name="You are about to be signed out")
    expect(dialog).to_have_count(0)
    end_in(app, 90)
    page.clock.fast_forward(300_000)
    expect(dialog).to_be_visible()
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    expect(dialog.get_by_role("status")).to_have_text("")
    page.clock.run_for(45_000)
    expect(dialog.get_by_role("status")).to_have_text("60 seconds left")
    expect(dialog).to_contain_text("Time left: 4")
    dialog.get_by_role("button", name="Stay signed in").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("New task")).to_have_value("Half a thought")
    page.clock.fast_forward(3600_000)
    expect(dialog).to_be_hidden()


@ONE_DATABASE
def test_whoever_does_not_answer_is_told_plainly_when_it_has_ended(app: Flask, page: Page) -> None:
    end_in(app, 100)
    page.clock.install()
    page.goto("/tasks")
    dialog = page.get_by_role("dialog", name="You are about to be signed out")
    dialog.get_by_role("button", name="Close").click()
    page.clock.run_for(20_000)
    expect(dialog).to_be_hidden()
    change(app, revoked_at=utcnow())
    page.clock.run_for(110_000)
    expect(page.get_by_role("dialog", name="You are signed out")).to_be_visible()


@with_and_without_javascript
@ONE_DATABASE
def test_the_absolute_end_leads_to_the_password_in_a_tab_of_its_own(app: Flask, page: Page, javascript: bool) -> None:
    end_in(app, 100, "expires_at")
    page.goto("/tasks")
    dialog = page.get_by_role("dialog", name="Your sign-in is about to end")
    expect(dialog).to_be_visible()
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Give the password").click()
    other = opened.value
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_role("heading", name="Open tasks")).to_be_visible()
    if javascript:
        expect(dialog).to_be_hidden()
    else:
        page.reload()
        expect(dialog).to_have_count(0)


@ONE_DATABASE
def test_what_another_tab_does_with_the_sign_in_is_noticed(app: Flask, page: Page, alice: Person, bob: Person) -> None:
    page.goto("/tasks")
    page.get_by_label("New task").fill("Half a thought")
    other = page.context.new_page()
    other.goto("/account")
    other.get_by_role("button", name="Sign out", exact=True).first.click()
    over = page.get_by_role("dialog", name="You are signed out")
    expect(over).to_be_visible()
    fill_sign_in(other, bob.email, PASSWORD)
    expect(page.get_by_role("dialog", name="Another account is signed in")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    expect(over).to_be_visible()
    fill_sign_in(other, alice.email, PASSWORD)
    expect(over).to_be_hidden()
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("link", name="Half a thought")).to_be_visible()


@in_each_way_on_each_database
def test_what_was_typed_survives_the_end_of_the_sign_in(
    app: Flask, page: Page, alice: Person, javascript: bool
) -> None:
    page.goto(f"/tasks/{alice.make_task()['id']}")
    page.get_by_label("Title").fill("Buy oat milk")
    page.get_by_label("Notes").fill("Two bottles.\n  Not the sweet one.")
    page.get_by_label("Priority").select_option("High")
    page.get_by_label("Completed").check()
    change(app, revoked_at=utcnow())
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing you typed is lost")).to_be_visible()
    password = page.get_by_label("Password", exact=True)
    expect(page.get_by_role("button", name="Show password")).to_be_visible(visible=javascript)
    if javascript:
        page.get_by_role("button", name="Show password").click()
        expect(password).to_have_attribute("type", "text")
        # Browsers offer to save only what a password field holds when the form is sent.
        password.evaluate("input => input.form.dispatchEvent(new Event('submit', { bubbles: true }))")
        expect(password).to_have_attribute("type", "password")
        expect(page.get_by_role("button", name="Show password")).to_have_attribute("aria-pressed", "false")
    fill_sign_in(page, alice.email, "not my password")
    expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")
    fill_sign_in(page, alice.email, PASSWORD)
    expect(page.get_by_role("heading", name="Nothing you typed is lost")).to_be_visible()
    expect(page.get_by_label("Completed")).to_be_checked()
    expect(page.get_by_label("Priority")).to_have_value("high")
    expect(page.get_by_label("Notes")).to_have_value("Two bottles.\n  Not the sweet one.")
    page.get_by_label("Title").fill("Buy two bottles")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved “Buy two bottles”.")
