"""The security event log: every kind of event, produced by a real request, with row, log line, counter and words."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from app.auth.activity import WORDS
from app.services.audit import Event
from tests.auth.browser import sign_in
from tests.auth.scenarios import SCENARIOS, enable, lesser_scope, login
from tests.conftest import Count, MakeApp
from tests.people import PASSWORD, Person

#: So frequent, or of nobody, that a row would say little: only log line and counter.
WITHOUT_ROW = {
    Event.REAUTHENTICATION_REQUIRED,
    Event.SESSION_RENEWED,
    Event.TOKEN_FAIL,
    Event.CSRF,
    Event.CLIENT_FAIL,
}
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
