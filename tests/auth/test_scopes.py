"""Scopes: asked for at sign-in, narrowed at a refresh, never widened, and what a token may then do (RFC 6749 §3.3)."""

from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.endpoints import error, token
from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person


def access(app: Flask, alice: Person, body: dict[str, Any]) -> tuple[int, int, int]:
    """Return the status of reading tasks, writing one and reading the profile with an answer's access token."""
    there = Person(app, alice.id, alice.email, body["access_token"], body["refresh_token"])
    answers = there.get("/tasks"), there.post("/tasks", {"title": "x"}), there.get("/api/me")
    read, write, profile = (each.status_code for each in answers)
    return read, write, profile


@pytest.mark.proves("T5", "T13", "ASVS 10.3.2", "RFC 6749 §6")
def test_a_narrower_scope_at_refresh_narrows_the_access_token_alone(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    refresh = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token}
    narrowed = token(client, **refresh, scope="tasks:read").get_json()
    assert narrowed["scope"] == "tasks:read"
    assert access(app, alice, narrowed) == (200, 403, 403)
    two = token(client, **refresh | {"refresh_token": narrowed["refresh_token"]}, scope="account tasks:read").get_json()
    assert two["scope"] == "tasks:read account"
    assert access(app, alice, two) == (200, 403, 200)
    whole = token(client, **refresh | {"refresh_token": two["refresh_token"]}).get_json()
    assert whole["scope"] == "tasks:read tasks:write account"
    assert access(app, alice, whole) == (200, 201, 200)


@pytest.mark.proves("T5", "T13")
def test_the_same_successor_is_given_again_whatever_scope_is_asked_for(client: FlaskClient, alice: Person) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token}
    narrowed = token(client, **form, scope="tasks:read").get_json()
    again, whole = token(client, **form, scope="tasks:read").get_json(), token(client, **form).get_json()
    assert again["access_token"] == narrowed["access_token"]
    assert {each["refresh_token"] for each in (again, narrowed, whole)} == {narrowed["refresh_token"]}
    jtis = [jwt.decode(each["access_token"], options={"verify_signature": False})["jti"] for each in (narrowed, whole)]
    assert jtis[0] != jtis[1], "two different tokens need two ids, or revoking one would revoke the other"


@pytest.mark.proves("T8", "T12", "T13", "ASVS 10.4.11")
@pytest.mark.parametrize(
    "scope",
    [
        "admin",
        "tasks:read admin",
        "tasks:read  account",
        " ",
        "tasks:read ",
        "tasks:read\taccount",
        "Account",
        'é"\\\0',
    ],
)
def test_a_scope_that_was_not_granted_is_invalid_scope_and_uses_nothing_up(
    client: FlaskClient, alice: Person, scope: str
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token}
    assert error(token(client, **form, scope=scope)) == (400, "invalid_scope")
    seq = jwt.decode(token(client, **form).get_json()["refresh_token"], options={"verify_signature": False})["seq"]
    assert seq == 1


@pytest.mark.proves("T12", "T13", "ASVS 10.3.2")
def test_signing_in_for_less_cannot_be_undone_by_refreshing(app: Flask, client: FlaskClient, alice: Person) -> None:
    body = {"email": alice.email, "password": PASSWORD, "scope": "tasks:read"}
    pair = client.post("/api/auth/login", json=body).get_json()
    assert pair["scope"] == "tasks:read"
    assert access(app, alice, pair) == (200, 403, 403)
    form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    assert error(token(client, **form, scope="tasks:write")) == (400, "invalid_scope")
    again = token(client, **form).get_json()
    assert (again["scope"], access(app, alice, again)) == ("tasks:read", (200, 403, 403))
    by_api = client.post("/api/auth/refresh", json={"refresh_token": again["refresh_token"]}).get_json()
    assert (by_api["scope"], access(app, alice, by_api)) == ("tasks:read", (200, 403, 403))


@in_turn("scope", ["admin", "", " ", "tasks:read  account", "x" * 201, 7, ["tasks:read"]], ids=str)
def test_signing_in_for_what_is_no_scope_is_422_at_its_pointer(
    client: FlaskClient, alice: Person, scope: Any, count: Count
) -> None:
    response = client.post("/api/auth/login", json={"email": alice.email, "password": PASSWORD, "scope": scope})
    assert response.status_code == 422
    assert [each["pointer"] for each in response.get_json()["errors"]] == ["#/scope"]
    assert count("sign_ins") == 1


@pytest.mark.parametrize("body", [{}, {"scope": None}])
def test_signing_in_without_a_scope_is_for_everything(
    client: FlaskClient, alice: Person, body: dict[str, None]
) -> None:
    response = client.post("/api/auth/login", json={"email": alice.email, "password": PASSWORD} | body)
    assert response.get_json()["scope"] == "tasks:read tasks:write account"


@pytest.mark.proves("S5", "B3")
def test_a_token_of_any_scope_can_be_given_up(client: FlaskClient, alice: Person) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token, "scope": "tasks:read"}
    alice.access_token = token(client, **form).get_json()["access_token"]
    assert alice.post("/api/auth/logout").status_code == 204
    assert alice.get("/tasks").status_code == 401
