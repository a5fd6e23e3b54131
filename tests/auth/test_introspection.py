"""Asking what a token is good for (RFC 7662)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.services import clients
from tests.conftest import MakeApp
from tests.forge import Forger
from tests.oauth_clients import Registered, register
from tests.people import Person

INACTIVE = {"active": False}
MEMBERS = {"active", "scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti"}


@pytest.fixture
def gateway(app: Flask) -> Registered:
    """A resource server: may ask about everybody's access tokens."""
    return register(app, introspects=True)


@pytest.fixture
def program(app: Flask) -> Registered:
    """A confidential client that may ask about its own tokens only."""
    return register(app)


def claims_of(token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.mark.proves("I1", "I2")
def test_a_resource_server_learns_what_an_access_token_is_good_for(gateway: Registered, alice: Person) -> None:
    body = gateway.introspect(alice.access_token)
    assert body.keys() == MEMBERS | {"token_type"}
    claims = claims_of(alice.access_token)
    assert body == {"active": True, "token_type": "Bearer"} | {name: claims[name] for name in MEMBERS - {"active"}}
    assert (body["sub"], body["client_id"]) == (alice.id, "taskward-api")
    assert body["scope"] == "tasks:read tasks:write account"
    assert isinstance(body["exp"], int)


@pytest.mark.proves("I2", "T6", "ASVS 14.3.2")
def test_the_answer_is_json_that_nobody_keeps_and_names_the_person_by_id_alone(
    gateway: Registered, alice: Person
) -> None:
    response = gateway.post("introspect", token=alice.access_token)
    assert response.content_type == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")
    assert alice.email not in response.text


@pytest.mark.proves("I2")
def test_a_client_learns_about_its_own_tokens_of_both_kinds(program: Registered, alice: Person) -> None:
    theirs = program.signed_in(alice, "tasks:read")
    access, refresh = program.introspect(theirs.access_token), program.introspect(theirs.refresh_token)
    assert access.keys() == MEMBERS | {"token_type"}
    assert refresh.keys() == MEMBERS
    for body in (access, refresh):
        assert (body["active"], body["scope"], body["client_id"]) == (True, "tasks:read", program.id)
    assert refresh["jti"] == claims_of(theirs.refresh_token)["jti"] != access["jti"]


@pytest.mark.proves("I3")
def test_a_client_learns_nothing_about_the_tokens_of_another(app: Flask, program: Registered, alice: Person) -> None:
    elsewhere = register(app).signed_in(alice)
    for person in (alice, elsewhere):
        assert program.introspect(person.access_token) == INACTIVE
        assert program.introspect(person.refresh_token) == INACTIVE


@pytest.mark.proves("I3", "P6", "ASVS 9.2.2", "RFC 7662 §4")
def test_a_resource_server_is_never_told_that_a_refresh_token_is_active(gateway: Registered, alice: Person) -> None:
    for hint in ("refresh_token", "access_token", ""):
        assert gateway.introspect(alice.refresh_token, token_type_hint=hint) == INACTIVE
    assert gateway.introspect(gateway.signed_in(alice).refresh_token)["active"]


@pytest.mark.proves("I1", "I3", "T10")
def test_a_caller_that_does_not_authenticate_is_401_whatever_it_sends(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    public = register(app, confidential=False)
    for caller in ({}, {"client_id": "taskward-api"}, {"client_id": public.id}):
        for token in (alice.access_token, "junk", ""):
            response = client.post("/oauth/introspect", data={"token": token} | caller)
            assert (response.status_code, response.get_json()["error"]) == (401, "invalid_client")
            assert response.headers["WWW-Authenticate"] == 'Basic realm="taskward"'
    bearer = client.post("/oauth/introspect", data={"token": alice.access_token}, headers=alice.bearer())
    assert bearer.status_code == 401


@pytest.mark.proves("I1", "T1", "T2", "T3")
def test_a_request_that_cannot_be_read_is_refused_in_the_voice_of_oauth(
    gateway: Registered, client: FlaskClient, alice: Person
) -> None:
    assert gateway.post("introspect").status_code == 400
    assert gateway.post("introspect", token="").get_json()["error"] == "invalid_request"
    assert gateway.post("introspect", token=[alice.access_token] * 2).get_json()["error"] == "invalid_request"
    asked = client.get(f"/oauth/introspect?token={alice.access_token}")
    assert (asked.status_code, asked.get_json()["error"]) == (405, "invalid_request")
    assert "POST" in asked.headers["Allow"]
    assert client.post("/oauth/introspect", json={"token": alice.access_token}).status_code == 415


def test_a_wrong_hint_does_not_matter(program: Registered, alice: Person) -> None:
    theirs = program.signed_in(alice)
    for hint in ("access_token", "refresh_token", "nonsense"):
        assert program.introspect(theirs.access_token, token_type_hint=hint)["active"]
        assert program.introspect(theirs.refresh_token, token_type_hint=hint)["active"]


@pytest.mark.proves("I3", "I4", "ASVS 9.1.1")
def test_every_hostile_token_is_inactive_and_no_more(
    app: Flask, gateway: Registered, program: Registered, alice: Person, bob: Person
) -> None:
    other = str(claims_of(bob.access_token)["sid"])
    hostile = Forger(app, alice.access_token).tokens(alice.refresh_token, other)
    for name, token in hostile.items():
        if token:
            assert gateway.introspect(token) == INACTIVE, name
    theirs = program.signed_in(alice)
    hostile = Forger(app, theirs.refresh_token).tokens(alice.refresh_token, other)
    # One case sets the type right, which a refresh token has from the start; an empty token counts as left out.
    for name in hostile.keys() - {"refresh token renamed", "empty"}:
        assert program.introspect(hostile[name]) == INACTIVE, name


def end_by_logout(app: Flask, alice: Person, program: Registered) -> None:
    assert alice.post("/api/auth/logout").status_code == 204


def end_by_operator(app: Flask, alice: Person, program: Registered) -> None:
    assert app.test_cli_runner().invoke(args=["sessions", "revoke", "--all"]).exit_code == 0


def end_by_disabling(app: Flask, alice: Person, program: Registered) -> None:
    assert app.test_cli_runner().invoke(args=["users", "disable", alice.email]).exit_code == 0


def end_by_deleting(app: Flask, alice: Person, program: Registered) -> None:
    assert app.test_cli_runner().invoke(args=["users", "delete", alice.email, "--yes"]).exit_code == 0


def end_by_revoking_the_refresh_token(app: Flask, alice: Person, program: Registered) -> None:
    assert program.post("revoke", token=alice.refresh_token).status_code == 200


ENDINGS = [end_by_logout, end_by_operator, end_by_disabling, end_by_deleting, end_by_revoking_the_refresh_token]


@pytest.mark.proves("I3", "I4", "V3", "ASVS 7.4.1", "ASVS 7.4.2")
@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
def test_a_token_whose_sign_in_is_over_is_inactive_at_once(
    app: Flask,
    program: Registered,
    gateway: Registered,
    alice: Person,
    end: Callable[[Flask, Person, Registered], None],
) -> None:
    theirs = program.signed_in(alice)
    assert gateway.introspect(theirs.access_token)["active"]
    end(app, theirs, program)
    assert gateway.introspect(theirs.access_token) == INACTIVE
    assert program.introspect(theirs.access_token) == INACTIVE
    assert program.introspect(theirs.refresh_token) == INACTIVE


@pytest.mark.proves("I4")
def test_the_tokens_of_a_revoked_client_are_inactive_at_once(app: Flask, gateway: Registered, alice: Person) -> None:
    doomed = register(app)
    theirs = doomed.signed_in(alice)
    with app.app_context():
        clients.revoke(doomed.id)
    assert gateway.introspect(theirs.access_token) == INACTIVE


@pytest.mark.proves("I4", "V3")
def test_a_blocked_access_token_is_inactive_and_its_refresh_token_is_not(program: Registered, alice: Person) -> None:
    theirs = program.signed_in(alice)
    program.post("revoke", token=theirs.access_token)
    assert program.introspect(theirs.access_token) == INACTIVE
    assert program.introspect(theirs.refresh_token)["active"]


@pytest.mark.proves("I4", "S4", "ASVS 7.3.1")
def test_an_expired_token_is_inactive_from_the_second_it_expires(program: Registered, alice: Person) -> None:
    now = datetime.now(UTC)
    theirs = program.signed_in(alice)
    with time_machine.travel(now + timedelta(minutes=14, seconds=55)):
        assert program.introspect(theirs.access_token)["active"]
    with time_machine.travel(now + timedelta(minutes=15, seconds=1)):
        assert program.introspect(theirs.access_token) == INACTIVE
        assert program.introspect(theirs.refresh_token)["active"]
    with time_machine.travel(now + timedelta(days=30, seconds=1)):
        assert program.introspect(theirs.refresh_token) == INACTIVE


@pytest.mark.proves("I4", "RFC 7662 §2.2")
@pytest.mark.parametrize("grace", ["0", "30"])
def test_only_the_newest_refresh_token_is_active_and_asking_is_no_use_of_it(
    make_app: MakeApp, alice: Person, grace: str, statements: list[str]
) -> None:
    program = register(make_app(REFRESH_GRACE=grace))
    theirs = program.signed_in(alice)
    second = program.refresh(theirs.refresh_token).get_json()
    third = program.refresh(second["refresh_token"]).get_json()
    statements.clear()
    for _ in range(3):
        assert program.introspect(theirs.refresh_token) == INACTIVE
        assert program.introspect(second["refresh_token"]) == INACTIVE
        assert program.introspect(third["refresh_token"])["active"]
    assert not [each for each in statements if not each.lstrip().startswith(("SELECT", "BEGIN"))]
    theirs.access_token = third["access_token"]
    assert theirs.get("/api/me").status_code == 200
    assert program.refresh(third["refresh_token"]).status_code == 200


def test_asking_does_not_count_as_being_seen(gateway: Registered, alice: Person) -> None:
    before = alice.get("/sessions").get_json()["items"][0]["last_seen_at"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        assert gateway.introspect(alice.access_token)["active"]
    assert alice.get("/sessions").get_json()["items"][0]["last_seen_at"] == before


@pytest.mark.proves("I2", "T13", "ASVS 8.3.2")
def test_the_scope_is_what_the_token_says_and_the_sign_in_allows(program: Registered, alice: Person) -> None:
    theirs = program.signed_in(alice)
    narrowed = program.refresh(theirs.refresh_token, scope="tasks:read").get_json()
    assert program.introspect(narrowed["access_token"])["scope"] == "tasks:read"
    assert program.introspect(narrowed["refresh_token"])["scope"] == "tasks:read tasks:write account"
