"""The OAuth clients that act for a person: seen on the account page, and disconnected there."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests.oauth_clients import register
from tests.pages import Browser
from tests.people import Person


def section(browser: Browser, name: str) -> str:
    """Return a section of the account page."""
    return browser.get("/account").text.partition(f'id="{name}-title"')[2].partition("</section>")[0]


def test_a_program_is_listed_once_with_what_it_may_do_and_not_among_the_devices(app: Flask, alice: Person) -> None:
    program, browser = register(app), Browser(app, alice)
    assert section(browser, "programs") == ""
    devices = section(browser, "devices").count("<li>")
    program.signed_in(alice, "tasks:read")
    program.signed_in(alice, "account")
    listed = section(browser, "programs")
    assert listed.count("<li>") == 1
    assert "A program" in listed
    assert "May read your tasks and see and change your account" in listed
    assert "Connected" in listed
    assert "Last seen" in listed
    assert section(browser, "devices").count("<li>") == devices


@pytest.mark.proves("ASVS 7.5.2")
def test_disconnecting_ends_that_programs_sign_ins_of_that_person_and_no_other(
    app: Flask, alice: Person, bob: Person
) -> None:
    program, another, browser = register(app), register(app), Browser(app, alice)
    ended = [program.signed_in(alice), program.signed_in(alice)]
    kept = [another.signed_in(alice), alice, program.signed_in(bob)]
    answer = browser.post(f"/account/programs/{program.id}/disconnect", "/account")
    assert (answer.status_code, answer.location) == (303, "/account")
    assert "That program is disconnected." in browser.get("/account").text
    assert [each.get("/api/me").status_code for each in ended] == [401, 401]
    assert program.refresh(ended[0].refresh_token).status_code == 400
    assert [each.get("/api/me").status_code for each in kept] == [200, 200, 200]
    events = alice.get("/events").get_json()["items"]
    assert [each["event"] for each in events[:2]] == ["session_logout", "session_logout"]
    assert program.id not in section(browser, "programs")
    assert another.id in section(browser, "programs")
    again = browser.post(f"/account/programs/{program.id}/disconnect", "/account")
    assert again.status_code == 404
    assert browser.get("/account").status_code == 200


def test_our_own_pages_and_programs_cannot_be_disconnected(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    for client_id in ("taskward-pages", "taskward-api", "%00", "a%00b", "client_x"):
        assert browser.post(f"/account/programs/{client_id}/disconnect", "/account").status_code == 404
    assert alice.get("/api/me").status_code == 200


@pytest.mark.proves("ASVS 7.5.2")
def test_disconnecting_needs_the_password_to_have_been_given_lately(app: Flask, alice: Person) -> None:
    program, browser = register(app), Browser(app, alice)
    there = program.signed_in(alice)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        answer = browser.post(f"/account/programs/{program.id}/disconnect", "/account")
        assert (answer.status_code, answer.location) == (303, "/account/confirm?next=/account")
        assert there.get("/api/me").status_code == 200
