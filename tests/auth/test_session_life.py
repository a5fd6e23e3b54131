"""The end of a sign-in as the pages tell it, and what was typed before it: nothing is lost, nobody else gets it."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import SignIn, utcnow
from app.web.forms import Form
from tests.conftest import ONE_DATABASE
from tests.leaks import keep_secret
from tests.pages import Browser
from tests.people import PASSWORD, Person

TYPED = "Water the <b>plants</b> & “more”"
OURS = {"Sec-Fetch-Site": "same-origin"}


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


def sign_in_there(browser: Browser, answer: TestResponse, person: Person, password: str = PASSWORD) -> TestResponse:
    """Sign in on the sign-in page that was the answer to a form."""
    return browser.send("/login", inputs(answer, "/login") | {"email": person.email, "password": password})


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
    answer = browser.send(path, fields | {"csrf_token": token, "unknown": "field", "password": "hunter2 hunter2"})
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
    done = browser.send(path, sent | {"title": "Water the plants", "due_date": "", "name": "Al"})
    assert done.status_code == 303, done.text
    assert browser.get(done.location).status_code == 200


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


@pytest.mark.parametrize(
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
@pytest.mark.parametrize("signed_in", [True, False])
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
