"""Forms that came too late: what was typed comes back to whoever typed it, and to nobody else."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.models import utcnow
from app.web.forms import Form
from tests.auth.test_session_life import change, form_token, inputs
from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.leaks import keep_secret
from tests.pages import Browser
from tests.people import PASSWORD, Person

TYPED = "Water the <b>plants</b> & “more”"
OURS = {"Sec-Fetch-Site": "same-origin"}


def sign_in_there(browser: Browser, answer: TestResponse, person: Person, password: str = PASSWORD) -> TestResponse:
    """Sign in on the sign-in page that was the answer to a form."""
    return browser.send("/login", inputs(answer, "/login") | {"email": person.email, "password": password})


FORMS: list[tuple[str, dict[str, str]]] = [
    (
        "/tasks?status=today&tag=home",
        {"title": TYPED, "notes": "one\n\n  two", "due_date": "tomorrow?", "tags": "a, b", "priority": "high"},
    ),
    ("/tasks/{task}", {"title": TYPED, "rev": "1", "completed": "y", "back": "/tasks?status=today"}),
    ("/account/profile", {"name": TYPED, "timezone": "Asia/Tokyo"}),
    ("/account/email", {"email": "new@example.org"}),
]


@pytest.mark.parametrize(("path", "fields"), FORMS, ids=[path for path, _ in FORMS])
def test_what_was_typed_comes_back_after_signing_in_however_often_the_password_is_refused(
    app: Flask, alice: Person, path: str, fields: dict[str, str]
) -> None:
    keep_secret(TYPED)
    path = path.format(task=alice.make_task()["id"])
    browser = Browser(app, alice)
    token = form_token(browser)
    change(app, revoked_at=utcnow())
    more = {"unknown": "field", "password": "hunter2 hunter2", "back": "https://elsewhere.example/"}
    answer = browser.send(path, more | fields | {"csrf_token": token})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="taskward"'
    for _ in range(2):
        answer = sign_in_there(browser, answer, alice, "not the password")
        assert answer.status_code == 422
    back = sign_in_there(browser, answer, alice)
    assert (back.status_code, back.location) == (200, None)
    assert back.headers["Cache-Control"] == "no-store"
    sent = inputs(back, path)
    assert {name: sent[name].replace("\r\n", "\n") for name in fields} == fields
    assert sent["csrf_token"] != token
    assert "unknown" not in sent
    assert "hunter2" not in back.text
    assert "elsewhere.example" not in back.text
    done = browser.send(path, sent | {"title": "Water the plants", "due_date": "", "name": "Al"})
    assert done.status_code == 303, done.text
    assert browser.get(done.location).status_code == 200


def test_what_comes_back_is_added_once_however_often_it_is_sent(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    token = form_token(browser)
    change(app, revoked_at=utcnow())
    back = sign_in_there(browser, browser.send("/tasks", {"csrf_token": token, "title": TYPED}), alice)
    for _ in range(2):
        assert browser.send("/tasks", inputs(back, "/tasks")).status_code == 303
    assert browser.get("/tasks").text.count('class="task-title"') == 1


@pytest.mark.parametrize(("path", "told"), [("/account/password", True), ("/account/email", True), ("/tasks", False)])
@ONE_DATABASE
def test_whoever_sends_twice_what_ends_the_sign_in_is_told_that_it_may_be_done(
    app: Flask, path: str, told: bool
) -> None:
    browser = Browser(app)
    token = inputs(browser.get("/login"), "/login")["csrf_token"]
    answer = browser.send(path, {"csrf_token": token, "title": TYPED, "email": "new@example.org"})
    assert answer.status_code == 401
    assert ("sign in with the new password or address" in answer.text) is told


def test_the_account_that_did_not_type_it_is_not_shown_it(app: Flask, alice: Person, bob: Person) -> None:
    browser = Browser(app, alice)
    token = form_token(browser)
    change(app, revoked_at=utcnow())
    answer = browser.send("/tasks", {"csrf_token": token, "title": TYPED})
    landed = sign_in_there(browser, answer, bob)
    assert (landed.status_code, landed.location) == (303, "/")
    page = browser.get("/tasks").text
    assert "was another account" in html.unescape(page)
    assert "plants" not in page


@pytest.mark.parametrize("replacement", [r"x\1", r"\1x", "", "nonsense.é"], ids=repr)
@ONE_DATABASE
def test_what_this_server_has_not_sealed_is_not_shown(app: Flask, alice: Person, replacement: str) -> None:
    browser = Browser(app)
    answer = browser.send("/tasks", {"csrf_token": inputs(browser.get("/login"), "/login")["csrf_token"], "title": "x"})
    form = inputs(answer, "/login")
    form["unsent"] = re.sub("^(.+)$", replacement, form["unsent"])
    assert browser.send("/login", form | {"email": alice.email, "password": PASSWORD}).status_code == 303


@ONE_DATABASE
def test_after_a_day_what_was_typed_is_forgotten(app: Flask, alice: Person) -> None:
    browser = Browser(app)
    token = inputs(browser.get("/login"), "/login")["csrf_token"]
    answer = browser.send("/tasks", {"csrf_token": token, "title": "x"})
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        assert sign_in_there(browser, answer, alice).status_code == 303


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/account/password", {"current_password": "secret of mine", "new_password": "another secret"}),
        ("/account/data/import", {"text": "{}", "kind": "json", "confirmed": "1"}),
        ("/tasks", {"title": "x", "notes": "n" * 200_001}),
        ("/tasks", {"title": ""}),
    ],
    ids=["passwords", "a file", "too much", "nothing"],
)
@ONE_DATABASE
def test_passwords_files_and_what_is_too_large_are_not_kept(
    app: Flask, alice: Person, path: str, form: dict[str, str]
) -> None:
    browser = Browser(app)
    answer = browser.send(path, form | {"csrf_token": inputs(browser.get("/login"), "/login")["csrf_token"]})
    assert answer.status_code == 401
    assert "passwords and files have to be given again" in answer.text
    assert inputs(answer, "/login")["unsent"] == ""
    assert "secret" not in answer.text
    assert "nnn" not in answer.text


def test_a_button_pressed_after_the_end_does_nothing_and_signing_in_leads_back(app: Flask, alice: Person) -> None:
    task = alice.make_task()
    browser = Browser(app, alice)
    token = form_token(browser)
    change(app, revoked_at=utcnow())
    answer = browser.client.post(
        f"/tasks/{task['id']}/delete",
        data={"csrf_token": token},
        base_url=browser.origin,
        headers={"Referer": f"{browser.origin}/tasks?status=today"},
    )
    assert (answer.status_code, alice.get(f"/tasks/{task['id']}").get_json()["deleted_at"]) == (401, None)
    back = sign_in_there(browser, answer, alice)
    assert (back.status_code, back.location) == (303, "/tasks?status=today")


def test_with_all_cookies_gone_nothing_typed_is_lost_either(app: Flask, alice: Person) -> None:
    browser = Browser(app)
    form = {"title": TYPED, "csrf_token": "old"}
    answer = browser.client.post("/tasks", data=form, base_url=browser.origin, headers=OURS)
    assert answer.status_code == 401
    back = sign_in_there(browser, answer, alice)
    assert inputs(back, "/tasks")["title"] == TYPED
    assert browser.send("/tasks", inputs(back, "/tasks")).status_code == 303
    assert [each["title"] for each in alice.get("/tasks").get_json()["items"]] == [TYPED]


@pytest.mark.parametrize("path", ["/tasks", "/login", "/register", "/account/profile"])
@ONE_DATABASE
def test_a_form_with_an_old_token_comes_back_filled_without_its_passwords(app: Flask, alice: Person, path: str) -> None:
    browser = Browser(app, alice)
    form = {"title": "typed", "name": "typed", "timezone": "UTC", "email": "typed@example.org", "password": "secret"}
    answer = browser.client.post(path, data=form, base_url=browser.origin, headers=OURS)
    assert answer.status_code == 400
    assert "out of date" in answer.text
    sent = inputs(answer, path)
    assert [value for value in sent.values() if "typed" in value]
    assert "secret" not in answer.text
    assert browser.send(path, sent | ({"password": PASSWORD} if "password" in sent else {})).status_code in (303, 422)


@in_turn(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "http://127.0.0.1:8000/tasks"},
    ],
    ids=repr,
)
@in_turn("signed_in", [True, False])
@ONE_DATABASE
def test_what_another_site_may_have_sent_is_never_offered_to_be_sent(
    app: Flask, alice: Person, headers: dict[str, str], signed_in: bool
) -> None:
    browser = Browser(app, alice if signed_in else None)
    answer = browser.client.post("/tasks", data={"title": "planted"}, base_url=browser.origin, headers=headers)
    assert answer.status_code == 400
    assert "planted" not in answer.text
    assert "unsent" not in answer.text


def test_every_form_that_comes_back_belongs_to_a_page(app: Flask) -> None:
    kinds = [Form]
    for kind in kinds:
        kinds += kind.__subclasses__()
    endpoints = [kind.sent_to for kind in kinds if kind.sent_to]
    assert len(endpoints) == len(set(endpoints)) > 4
    for endpoint in endpoints:
        assert any("POST" in (rule.methods or ()) for rule in app.url_map.iter_rules(endpoint)), endpoint
