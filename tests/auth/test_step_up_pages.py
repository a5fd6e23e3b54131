"""Pages that need the password to have been given lately: where they lead, and what giving it does to the sign-in."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.browser import sign_in, submit
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import PASSWORD, Person, sid


@pytest.fixture
def browser(client: FlaskClient, alice: Person) -> FlaskClient:
    """Her browser, signed in."""
    sign_in(client, alice.email)
    return client


@pytest.mark.proves("ASVS 7.5.1")
def test_a_page_leads_to_the_password_form_and_back(browser: FlaskClient, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        response = browser.get("/account/email")
        assert (response.status_code, response.location) == (303, "/account/confirm?next=/account/email")
        form = browser.get(response.location)
        assert form.status_code == 200
        assert "Confirm that it is you" in form.text
        done = submit(browser, response.location, "/account/confirm", password=PASSWORD, next="/account/email")
        assert (done.status_code, done.location) == (303, "/account/email")
        assert browser.get("/account/email").status_code == 200


@pytest.mark.proves("ASVS 7.5.2")
def test_a_pressed_button_has_to_be_pressed_again(browser: FlaskClient, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        response = submit(browser, "/account", "/account/sessions/end-others")
        assert (response.status_code, response.location) == (303, "/account/confirm")
        done = submit(browser, "/account/confirm", "/account/confirm", password=PASSWORD)
        assert (done.status_code, done.location) == (303, "/account")
        assert "press the button again" in browser.get("/account").text
        assert alice.get().status_code == 200
        assert submit(browser, "/account", "/account/sessions/end-others").location == "/account"
        assert alice.get().status_code == 401


def test_a_button_on_a_refused_form_leads_to_a_page_too(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    token = browser.form_token("/account")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        for refused in ("/account/password", "/account/profile", "/nowhere", "/tasks/bulk?status=trash"):
            answer = browser.send("/account/sessions/end-others", {"csrf_token": token}, refused)
            assert (answer.status_code, answer.location) == (303, "/account/confirm"), refused


def test_another_device_is_not_signed_out_by_an_old_sign_in(browser: FlaskClient, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        response = submit(browser, "/account", f"/account/sessions/{sid(alice)}/end")
        assert (response.status_code, response.location) == (303, "/account/confirm")
        assert alice.get().status_code == 200


def test_a_wrong_password_on_the_page_is_refused_beside_the_field(browser: FlaskClient) -> None:
    response = submit(browser, "/account/confirm", "/account/confirm", password="not the password")
    assert response.status_code == 422
    assert "The current password is wrong." in response.text


def test_wrong_too_often_the_page_keeps_its_form_and_says_how_long_to_wait(browser: FlaskClient) -> None:
    for status in [422] * 5 + [429]:
        response = submit(browser, "/account/confirm", "/account/confirm", password="wrong", next="/account/email")
        assert response.status_code == status
    assert "Too many failed attempts. Wait" in response.text
    assert 'name="next" type="hidden" value="/account/email"' in response.text
    assert int(response.headers["Retry-After"]) > 0


@in_turn("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", ""])
def test_the_way_back_never_leads_elsewhere(browser: FlaskClient, wanted: str) -> None:
    response = submit(browser, "/account/confirm", "/account/confirm", password=PASSWORD, next=wanted)
    assert (response.status_code, response.location) == (303, "/account")


NEW = "an entirely new passphrase"
#: Page, where its form goes, and what is in it.
STARTS_ANEW = [
    ("/account/confirm", "/account/confirm", {"password": PASSWORD}),
    ("/account", "/account/password", {"current_password": PASSWORD, "new_password": NEW}),
    ("/account/email", "/account/email", {"email": "new@example.org"}),
]


@pytest.mark.proves("ASVS 7.2.4", "ASVS 7.4.3")
@pytest.mark.parametrize("renewed", [False, True], ids=["", "with the refresh token only"])
@pytest.mark.parametrize(("page", "action", "fields"), STARTS_ANEW, ids=["confirm", "password", "email"])
def test_in_the_browser_too_what_takes_the_password_gives_new_tokens_and_kills_the_old(
    app: Flask, alice: Person, page: str, action: str, fields: dict[str, str], renewed: bool
) -> None:
    browser, thief = Browser(app, alice), Browser(app)
    alice.delete("/sessions/" + sid(alice))
    token = browser.get(page).text.partition('name="csrf_token" value="')[2].partition('"')[0]
    for kind in ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME"):
        thief.keep(kind, browser.cookie(kind))
    if renewed:
        browser.client.delete_cookie(app.config["ACCESS_COOKIE_NAME"])
    before = browser.cookie("REFRESH_COOKIE_NAME")
    assert browser.send(action, {"csrf_token": token} | fields).status_code == 303
    assert browser.cookie("REFRESH_COOKIE_NAME") != before
    assert thief.get("/tasks").status_code == 303
    shown = browser.get("/account")
    assert shown.status_code == 200
    assert shown.text.count('<strong class="badge">This device</strong>') == 1
    assert "Sign out all others" not in shown.text
    assert "Sign out: " in shown.text
