"""Signing in and out by the pages: where it leads, what it ends, and that signing out is always offered."""

import pytest
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.pages import SIGNED_IN_PAGES, Browser, sign_in
from tests.people import PASSWORD, Person


@ONE_DATABASE
@pytest.mark.proves("S3", "ASVS 3.7.2")
@in_turn(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "///evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "http:evil.example",
        "//[",
        "//]",
        "//x@[",
        "//℀.com",
    ],
    ids=repr,
)
def test_signing_in_leads_nowhere_but_to_this_site(app: Flask, alice: Person, wanted: str) -> None:
    answer = sign_in(Browser(app), alice, next=wanted)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")


@ONE_DATABASE
@pytest.mark.parametrize("wanted", ["//[", "//℀.com"])
def test_a_way_back_that_is_no_address_leads_to_the_list(app: Flask, alice: Person, wanted: str) -> None:
    task, browser = alice.make_task(), Browser(app, alice)
    done = browser.post(f"/tasks/{task['id']}/complete", "/tasks", back=wanted)
    assert (done.status_code, done.headers["Location"]) == (303, "/tasks")
    assert browser.get(f"/tasks/{task['id']}?back={wanted}").status_code == 200


@ONE_DATABASE
@pytest.mark.proves("ASVS 7.4.4")
@pytest.mark.parametrize("page", SIGNED_IN_PAGES)
def test_every_page_of_somebody_signed_in_offers_to_sign_out(app: Flask, alice: Person, page: str) -> None:
    task = alice.make_task()
    browser = Browser(app, alice)
    for path in (page, f"/tasks/{task['id']}"):
        assert '<form method="post" action="/logout"' in browser.get(path).text


@pytest.mark.proves("ASVS 7.4.1", "ASVS 14.3.1")
def test_signing_out_clears_the_browser_and_kills_what_it_held(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    copies = {
        name: browser.cookie(name) for name in ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME", "SESSION_COOKIE_NAME")
    }
    answer = browser.post("/logout", "/tasks")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not browser.cookie("ACCESS_COOKIE_NAME")
    assert not browser.cookie("REFRESH_COOKIE_NAME")
    thief = Browser(app)
    for setting, value in copies.items():
        thief.keep(setting, value)
    assert thief.get("/tasks").headers["Location"].startswith("/login")


@pytest.mark.proves("ASVS 7.2.4")
def test_signing_in_again_gives_new_tokens_and_ends_the_session_before(app: Flask, alice: Person) -> None:
    browser, thief = Browser(app, alice), Browser(app)
    before = browser.cookie("ACCESS_COOKIE_NAME")
    token = browser.get("/account").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "email": alice.email, "password": PASSWORD}
    assert browser.send("/login", form).status_code == 303
    assert browser.cookie("ACCESS_COOKIE_NAME") not in ("", before)
    assert browser.get("/tasks").status_code == 200
    thief.keep("ACCESS_COOKIE_NAME", before)
    assert thief.get("/tasks").status_code == 303


@pytest.mark.parametrize("own", ["ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME"])
def test_two_cookies_of_two_sign_ins_open_nothing_and_signing_out_ends_both(
    app: Flask, alice: Person, bob: Person, own: str
) -> None:
    browser, other = Browser(app, alice), Browser(app, bob)
    kept = {setting: other.cookie(setting) for setting in ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME")}
    mine = {setting: browser.cookie(setting) for setting in kept}
    foreign = next(setting for setting in kept if setting != own)
    browser.keep(foreign, kept[foreign])
    assert browser.get("/tasks").headers["Location"].startswith("/login")
    browser.keep(own, mine[own])
    browser.keep(foreign, kept[foreign])
    assert browser.post("/logout", "/login").status_code == 303
    for cookies in (mine, kept):
        for setting, value in cookies.items():
            thief = Browser(app)
            thief.keep(setting, value)
            assert thief.get("/tasks").status_code == 303
