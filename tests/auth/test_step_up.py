"""JSON: what needs the password to have been given lately, and how it is given again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.services.clients import FIRST_PARTY
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person, sid

CHALLENGE = (
    'Bearer realm="taskward", error="insufficient_user_authentication", '
    'error_description="The password was given too long ago", max_age=600'
)
KINDS = ("access", "refresh")
#: Method, path and body of every call that needs a step-up.
SENSITIVE = [
    ("PUT", "/email", {"email": "new@example.org"}),
    ("DELETE", "/sessions", None),
    ("DELETE", "/sessions/{other}", None),
    ("GET", "/export", None),
    ("POST", "/feed", None),
]


@pytest.fixture
def other(alice: Person) -> Person:
    """Another device of hers."""
    return alice.another_sign_in()


@pytest.fixture
def later(alice: Person, other: Person) -> Iterator[None]:
    """Eleven minutes after she signed in; her access token is still good."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        yield


def ask(alice: Person, other: Person, method: str, path: str, body: object) -> TestResponse:
    return alice.call(method, path.replace("{other}", sid(other)), json=body)


def confirm(person: Person, password: str = PASSWORD) -> int:
    response = person.post("/reauthenticate", {"password": password})
    if response.status_code == 200:
        person.access_token, person.refresh_token = (response.get_json()[f"{kind}_token"] for kind in KINDS)
    return response.status_code


@pytest.mark.proves("ASVS 7.5.1", "ASVS 7.5.2", "ASVS 7.5.3", "ASVS 10.3.4", "RFC 9470 §3")
@pytest.mark.parametrize(("method", "path", "body"), SENSITIVE)
@pytest.mark.usefixtures("later")
def test_an_old_sign_in_is_challenged_and_nothing_is_done(
    alice: Person, other: Person, method: str, path: str, body: object
) -> None:
    response = ask(alice, other, method, path, body)
    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == [CHALLENGE]
    assert response.content_type == "application/problem+json"
    assert response.get_json()["type"] == "urn:taskward:problem:step-up-required"
    assert alice.get().get_json()["email"] == alice.email
    assert other.get().status_code == 200


@pytest.mark.proves("RFC 9470 §4")
@pytest.mark.parametrize(("method", "path", "body"), SENSITIVE)
@pytest.mark.usefixtures("later")
def test_after_giving_the_password_the_same_call_is_done(
    alice: Person, other: Person, method: str, path: str, body: object
) -> None:
    assert confirm(alice) == 200
    assert ask(alice, other, method, path, body).status_code in (200, 201, 204)


@pytest.mark.parametrize(("method", "path", "body"), SENSITIVE)
def test_within_ten_minutes_of_signing_in_nothing_is_asked(
    alice: Person, other: Person, method: str, path: str, body: object
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=9, seconds=50)):
        assert ask(alice, other, method, path, body).status_code in (200, 201, 204)


@pytest.mark.usefixtures("later")
def test_proof_is_good_for_ten_minutes_and_for_one_sign_in_only(app: Flask, alice: Person, other: Person) -> None:
    assert confirm(other) == 200
    assert alice.delete("/sessions").status_code == 401
    assert confirm(alice) == 200
    body = {"refresh_token": alice.refresh_token}
    alice.access_token = app.test_client().post("/api/auth/refresh", json=body).get_json()["access_token"]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=9)):
        assert alice.delete("/sessions").status_code == 204
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert alice.delete("/sessions").status_code == 401


@pytest.mark.proves("ASVS 10.3.4", "RFC 9470 §6.1")
@pytest.mark.usefixtures("later")
def test_a_refresh_is_no_proof(app: Flask, alice: Person) -> None:
    pair = app.test_client().post("/api/auth/refresh", json={"refresh_token": alice.refresh_token}).get_json()
    alice.access_token = pair["access_token"]
    assert alice.delete("/sessions").status_code == 401


@pytest.mark.proves("ASVS 7.2.4")
@pytest.mark.usefixtures("later")
def test_giving_the_password_starts_anew_and_kills_every_copy_of_the_old_tokens(app: Flask, alice: Person) -> None:
    thief = replace(alice)
    here = sid(alice)
    response = alice.post("/reauthenticate", {"password": PASSWORD})
    assert response.get_json().keys() == {
        *("access_token", "refresh_token", "token_type", "expires_in", "scope", "user_id"),
    }
    assert thief.get().status_code == 401
    body = {"refresh_token": thief.refresh_token}
    assert app.test_client().post("/api/auth/refresh", json=body).status_code == 401
    alice.access_token = response.get_json()["access_token"]
    devices = alice.get("/sessions").get_json()["items"]
    assert len(devices) == 2  # with the other one
    assert here not in [each["id"] for each in devices]
    newest = alice.get("/events").get_json()["items"][0]
    assert (newest["event"], newest["sign_in_id"]) == ("authn_reauthentication_success", sid(alice))


def test_a_token_of_few_rights_gets_no_more_by_giving_the_password(app: Flask, alice: Person) -> None:
    body = {"refresh_token": alice.refresh_token, "client_id": FIRST_PARTY.id, "scope": "account"}
    narrow = app.test_client().post("/oauth/token", data=body | {"grant_type": "refresh_token"}).get_json()
    alice.access_token = narrow["access_token"]
    response = alice.post("/reauthenticate", {"password": PASSWORD}).get_json()
    assert response["scope"] == "account"
    alice.access_token = response["access_token"]
    assert alice.get("/tasks").status_code == 403


def test_of_two_confirmations_at_the_same_moment_one_starts_anew(alice: Person) -> None:
    for _ in range(3):
        person = alice.another_sign_in()
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda _, who=person: who.post("/reauthenticate", {"password": PASSWORD}), range(4))
            )
        statuses = [each.status_code for each in answers]
        assert statuses.count(200) == 1
        assert set(statuses) <= {200, 401, 429}


@pytest.mark.usefixtures("later")
def test_a_wrong_password_is_no_proof(alice: Person) -> None:
    assert confirm(alice, "not the password") == 403
    assert alice.delete("/sessions").status_code == 401
    newest = alice.get("/events").get_json()["items"][0]
    assert newest["event"] == "authn_reauthentication_fail"


@in_turn("body", [None, {}, {"password": 1}, {"password": "x" * 1025}, {"password": "a\0"}, []])
def test_a_bad_body_is_a_clear_4xx(alice: Person, body: object) -> None:
    assert alice.post("/reauthenticate", body).status_code in (415, 422)


@pytest.mark.usefixtures("later")
def test_ending_ones_own_sign_in_needs_no_proof(alice: Person) -> None:
    assert alice.delete(f"/sessions/{sid(alice)}").status_code == 204
    assert alice.get().status_code == 401


@pytest.mark.usefixtures("later")
def test_where_the_password_is_in_the_body_it_is_the_proof(alice: Person) -> None:
    body = {"current_password": PASSWORD, "new_password": "an entirely new passphrase"}
    assert alice.put("/password", body).status_code == 204
    assert alice.delete("", {"password": "an entirely new passphrase"}).status_code == 204


@pytest.mark.usefixtures("later")
def test_who_may_not_is_told_so_before_any_step_up(alice: Person, bob: Person) -> None:
    assert bob.call("DELETE", alice.url("/sessions")).status_code == 403
