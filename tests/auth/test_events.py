"""The security event log: every kind of event, produced by a real request, with row, log line, counter and words."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from app.auth.activity import WORDS
from app.extensions import db
from app.models import SignIn
from app.services.audit import Event
from tests.auth.browser import sign_in
from tests.conftest import Count, MakeApp
from tests.people import PASSWORD, Person

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
NEW = "an entirely new passphrase"

Scenario = Callable[[Flask, Person], Any]


def login(app: Flask, alice: Person, password: str = PASSWORD, agent: str = FIREFOX) -> int:
    body = {"email": alice.email, "password": password}
    return app.test_client().post("/api/auth/login", json=body, headers={"User-Agent": agent}).status_code


def refresh(app: Flask, token: str) -> Any:
    return app.test_client().post("/api/auth/refresh", json={"refresh_token": token}).get_json()


def run(app: Flask, *words: str) -> None:
    assert app.test_cli_runner().invoke(args=[*words]).exit_code == 0


def after_a_failure(app: Flask, alice: Person) -> None:
    login(app, alice, "wrong password")
    login(app, alice)


def too_late(app: Flask, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        alice.delete("/sessions")


def reuse(app: Flask, alice: Person) -> None:
    second = refresh(app, alice.refresh_token)["refresh_token"]
    refresh(app, second)
    refresh(app, alice.refresh_token)


def lesser_scope(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.query(SignIn).update({"scope": "tasks:read"})
        db.session.commit()
    alice.post("/tasks", {"title": "Buy milk"})


def enable(app: Flask, alice: Person) -> None:
    run(app, "users", "disable", alice.email)
    run(app, "users", "enable", alice.email)


def guess(app: Flask, alice: Person) -> None:
    for _ in range(5):
        login(app, alice, "wrong password")


def change_password(app: Flask, alice: Person, current: str = PASSWORD) -> None:
    alice.put("/password", {"current_password": current, "new_password": NEW})


def hurry(app: Flask, alice: Person) -> None:
    for _ in range(21):
        app.test_client().get("/api/me", headers=alice.bearer())


SCENARIOS: dict[Event, Scenario] = {
    Event.LOGIN_SUCCESS: login,
    Event.LOGIN_SUCCESS_AFTER_FAIL: after_a_failure,
    Event.LOGIN_FAIL: lambda app, alice: login(app, alice, "wrong password"),
    Event.REAUTHENTICATION: lambda app, alice: alice.post("/reauthenticate", {"password": PASSWORD}),
    Event.REAUTHENTICATION_FAIL: lambda app, alice: alice.delete("", {"password": "wrong password"}),
    Event.REAUTHENTICATION_REQUIRED: too_late,
    Event.LOGIN_LOCK: guess,
    Event.RATE_LIMIT_EXCEEDED: hurry,
    Event.CLIENT_FAIL: lambda app, alice: app.test_client().post("/oauth/token", data={"client_id": "client_x"}),
    Event.ADMIN: lambda app, alice: run(app, "keys", "rotate"),
    Event.PASSWORD_CHANGE: change_password,
    Event.PASSWORD_CHANGE_FAIL: lambda app, alice: change_password(app, alice, "wrong password"),
    Event.EMAIL_CHANGE: lambda app, alice: alice.put("/email", {"email": "new@example.org"}),
    Event.TOKEN_REVOKED: lambda app, alice: app.test_client().post("/oauth/revoke", data={"token": alice.access_token}),
    Event.TOKEN_REUSE: reuse,
    Event.AUTHZ_FAIL: lambda app, alice: alice.get("/api/users/00000000-0000-4000-8000-000000000000/tasks"),
    Event.SCOPE_FAIL: lesser_scope,
    Event.CSRF: lambda app, alice: app.test_client().post("/login", data={"email": alice.email}),
    Event.SESSION_RENEWED: lambda app, alice: refresh(app, alice.refresh_token),
    Event.SESSION_ENDED: lambda app, alice: alice.post("/api/auth/logout"),
    Event.SENSITIVE_READ: lambda app, alice: alice.get("/export"),
    Event.FEED_CREATED: lambda app, alice: alice.post("/feed"),
    Event.FEED_REVOKED: lambda app, alice: (alice.post("/feed"), alice.delete("/feed")),
    Event.USER_CREATED: lambda app, alice: app.test_client().post(
        "/api/auth/register", json={"email": "dora@example.org", "password": PASSWORD}
    ),
    Event.USER_UPDATED: lambda app, alice: alice.patch("", {"name": "Alice B."}),
    Event.USER_DISABLED: lambda app, alice: run(app, "users", "disable", alice.email),
    Event.USER_ENABLED: enable,
    Event.USER_DELETED: lambda app, alice: alice.delete("", {"password": PASSWORD}),
}
#: So frequent, or of nobody, that a row would say little: only log line and counter.
WITHOUT_ROW = {Event.REAUTHENTICATION_REQUIRED, Event.SESSION_RENEWED, Event.CSRF, Event.CLIENT_FAIL}
#: Commands log to the standard error that the command runner keeps for itself.
BY_COMMAND = {Event.USER_DISABLED, Event.USER_ENABLED, Event.ADMIN}


def total(event: Event) -> float:
    return REGISTRY.get_sample_value("taskward_security_events_total", {"event": event.value}) or 0


def lines(text: str, event: str | None = None) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [line for line in parsed if event in (None, line["event"])]


def test_a_lesser_scope_is_noted_on_a_route_that_names_nobody_too(app: Flask, alice: Person, count: Count) -> None:
    lesser_scope(app, alice)
    assert alice.get("/api/me").status_code == 403
    assert count("security_events WHERE event = 'authz_scope_fail'") == 2


@pytest.mark.proves("ASVS 16.3.1", "ASVS 16.3.2")
@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_request_that_makes_it_a_row_a_line_a_count_and_words(
    make_app: MakeApp, alice: Person, count: Count, capsys: pytest.CaptureFixture[str], event: Event
) -> None:
    app = make_app(RATE_LIMIT="20") if event == Event.RATE_LIMIT_EXCEEDED else make_app()
    rows, counted = count(f"security_events WHERE event = '{event.value}'"), total(event)
    SCENARIOS[event](app, alice)
    made = total(event) - counted
    assert made >= 1
    if event in WITHOUT_ROW:
        made = 0
    elif event == Event.USER_DELETED:
        made = 1
    assert count(f"security_events WHERE event = '{event.value}'") == rows + made
    if event not in BY_COMMAND:
        [*_, line] = lines(capsys.readouterr().err, event.value)
        assert line["request_id"]
        assert line["ip"] == "127.0.0.1"
    assert (event in WORDS) == bool(count(f"security_events WHERE event = '{event.value}' AND user_id IS NOT NULL"))


def descriptions(person: Person) -> list[str]:
    return [each["description"] for each in person.get("/events").get_json()["items"]]


def test_people_see_their_events_in_plain_words_by_api_and_page(app: Flask, alice: Person, client: FlaskClient) -> None:
    login(app, alice, "wrong password")
    login(app, alice)
    login(app, alice)
    assert descriptions(alice)[:3] == [
        "Signed in from Firefox on Linux",
        "Signed in after a refused attempt from Firefox on Linux",
        "Sign-in refused from Firefox on Linux",
    ]
    sign_in(client, alice.email)
    page = client.get("/account").text
    assert "Signed in from Firefox on Linux" in page
    assert "Sign-in refused from Firefox on Linux" in page


def test_of_sign_ins_at_the_same_moment_one_is_the_first_after_a_refused_attempt(
    app: Flask, alice: Person, count: Count
) -> None:
    login(app, alice, "wrong password")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: login(app, alice), range(4))) == [200] * 4
    assert count(f"security_events WHERE event = '{Event.LOGIN_SUCCESS_AFTER_FAIL.value}'") == 1


def test_what_the_operator_did_is_said_so(app: Flask, alice: Person) -> None:
    enable(app, alice)
    login(app, alice)
    fresh = alice.another_sign_in()
    assert "Account enabled by the operator" in descriptions(fresh)
    assert "Account disabled by the operator" in descriptions(fresh)


def test_an_event_in_the_list_has_these_fields_and_no_more(alice: Person) -> None:
    [event] = alice.get("/events").get_json()["items"]
    assert event.keys() == {"id", "created_at", "event", "description", "sign_in_id", "ip", "device"}


HOSTILE = [
    'x\u2028{"event":"authn_login_success"}',
    "x\u0085fake",
    "x\u202efake",
    "\x7f\x1b[2Jcurl/8",
    'curl/8","event":"user_deleted',
    "é" * 400,
]


@pytest.mark.proves("ASVS 16.4.1")
@pytest.mark.parametrize("agent", HOSTILE)
def test_a_user_agent_cannot_forge_a_line(
    app: Flask, alice: Person, capsys: pytest.CaptureFixture[str], agent: str
) -> None:
    assert login(app, alice, agent=agent.encode().decode("latin-1")) == 200
    for line in capsys.readouterr().err.split("\n"):
        assert line.isprintable()
    assert all(each["device"].isprintable() for each in alice.get("/events").get_json()["items"])


@pytest.mark.proves("ASVS 16.4.1")
@pytest.mark.parametrize("address", [*HOSTILE, "", "unknown", "1.2.3.4, 5.6.7.8", "::1%eth0", "9" * 5000])
def test_an_address_from_a_proxy_cannot_forge_a_line(
    make_app: MakeApp, alice: Person, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    client = make_app(PROXY_HOPS="1").test_client()
    headers = {"X-Forwarded-For": address.encode().decode("latin-1")}
    body = {"email": alice.email, "password": PASSWORD}
    assert client.post("/api/auth/login", json=body, headers=headers).status_code == 200
    for line in capsys.readouterr().err.split("\n"):
        assert line.isprintable()


@pytest.mark.proves("ASVS 16.4.1")
@pytest.mark.parametrize(
    "typed", ["x\ny@example.org", "\u2028@example.org", "\x1b[2J@example.org", "a\u202eb@example.org"]
)
def test_an_address_or_a_name_that_is_typed_is_in_no_line(
    app: Flask, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    for path in ("register", "login"):
        body = {"email": typed, "password": PASSWORD} | ({"name": typed} if path == "register" else {})
        assert app.test_client().post(f"/api/auth/{path}", json=body).status_code in (401, 422)
    written = capsys.readouterr().err
    assert "example.org" not in written
    assert len(lines(written)) >= 2


def test_the_request_id_cannot_forge_a_line(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    response = client.get("/healthz", headers={"X-Request-Id": 'a","event":"user_deleted'})
    assert "user_deleted" not in response.headers["X-Request-Id"]
    assert "user_deleted" not in capsys.readouterr().err


def test_an_event_of_a_transaction_that_failed_is_not_kept(
    app: Flask, alice: Person, bob: Person, count: Count
) -> None:
    assert alice.put("/email", {"email": bob.email}).status_code == 409
    assert count(f"security_events WHERE event = '{Event.EMAIL_CHANGE.value}'") == 0
