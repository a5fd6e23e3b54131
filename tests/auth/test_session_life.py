"""The end of a sign-in as the pages tell it: when it is, what puts it off, and that asking does not."""

import html
import re
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import SignIn, utcnow
from tests.pages import Browser
from tests.people import PASSWORD, Person


def change(app: Flask, **columns: datetime) -> None:
    """Give the sign-ins of browsers another end."""
    with app.app_context():
        db.session.query(SignIn).filter_by(kind="web").update(columns)  # type: ignore[arg-type]
        db.session.commit()


def inputs(response: TestResponse, action: str) -> dict[str, str]:
    """Return what the form that is sent to ``action`` would send."""
    form = response.text.partition(f'action="{html.escape(action)}"')[2].partition("</form>")[0]
    assert form, f"no form leads to {action}"
    found = {}
    for tag in re.findall(r"<input [^>]+>", form):
        values = {name: html.unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', tag)}
        if values.get("type") != "checkbox" or " checked" in tag:
            found[values["name"]] = values.get("value", "")
    for name, text in re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        found[name] = dict(re.findall(r'<option (selected) value="([^"]*)"', options))["selected"]
    return found


def form_token(browser: Browser) -> str:
    return inputs(browser.get("/tasks"), "/logout")["csrf_token"]


def test_asking_when_the_session_ends_prolongs_nothing_and_one_press_does(
    app: Flask, alice: Person, statements: list[str]
) -> None:
    browser, start = Browser(app, alice), datetime.now(UTC)
    before = browser.cookie("REFRESH_COOKIE_NAME")
    with time_machine.travel(start + timedelta(days=29, hours=23, minutes=59)):
        statements.clear()
        told = browser.get("/session").get_json()
        assert (told["user_id"], told["renewable"]) == (alice.id, True)
        assert 50 <= told["seconds_left"] <= 61
        assert not [each for each in statements if each.startswith(("INSERT", "UPDATE"))]
        assert browser.cookie("REFRESH_COOKIE_NAME") == before
        kept = browser.send("/session", {"csrf_token": told["csrf_token"], "back": "/account"})
        assert (kept.status_code, kept.location) == (303, "/account")
        assert browser.get("/session").get_json()["seconds_left"] > 29 * 86400
    with time_machine.travel(start + timedelta(days=40)):
        assert browser.get("/tasks").status_code == 200


def test_a_request_with_a_good_access_token_prolongs_nothing_and_one_without_does(app: Flask, alice: Person) -> None:
    browser, start = Browser(app, alice), datetime.now(UTC)
    for minutes, renewed in ((10, False), (20, True)):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            left = re.search(r'data-left="(\d+)"', browser.get("/tasks").text)
            assert left
            assert (int(left[1]) > 30 * 86400 - 30) is renewed
            assert f'data-user="{alice.id}"' in browser.get("/account").text


def test_before_the_absolute_end_the_page_says_so_and_only_the_password_starts_anew(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    assert not re.search(r"<dialog [^>]+ open>", browser.get("/tasks").text)
    change(app, expires_at=utcnow() + timedelta(seconds=100))
    page = browser.get("/tasks?status=trash").text
    assert re.findall(r'<dialog data-session="(\w+)"[^>]+ open>', page) == ["absolute"]
    assert 'href="/account/confirm?next=/tasks?status%3Dtrash"' in page
    assert "data-renewable" not in page
    assert browser.post("/session", "/tasks").location == "/session"
    told = browser.get("/session").get_json()
    assert (told["seconds_left"] <= 100, told["renewable"]) == (True, False)
    assert browser.post("/account/confirm", "/account/confirm", password=PASSWORD).status_code == 303
    assert browser.get("/session").get_json()["seconds_left"] > 86400


def test_who_is_not_signed_in_is_told_that_and_nothing_else(app: Flask, alice: Person, bob: Person) -> None:
    nobody, mixed, over = Browser(app), Browser(app, alice), Browser(app, alice)
    mixed.keep("REFRESH_COOKIE_NAME", Browser(app, bob).cookie("REFRESH_COOKIE_NAME"))
    program = Browser(app)
    program.keep("ACCESS_COOKIE_NAME", alice.access_token)
    assert over.get("/session").get_json()["user_id"] == alice.id
    change(app, revoked_at=utcnow())
    for browser in (nobody, mixed, program, over):
        assert browser.get("/session").get_json() == {"user_id": None}
        token = inputs(browser.get("/login"), "/login")["csrf_token"]
        renewed = browser.send("/session", {"csrf_token": token})
        assert not [each for each in renewed.headers.getlist("Set-Cookie") if "eyJ" in each]
