"""The OAuth endpoints on the wire: what the token endpoint takes and refuses, and in which words (RFC 6749 §5)."""

from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from tests.auth.endpoints import METADATA, error, token
from tests.conftest import MakeApp
from tests.forge import Forger
from tests.in_turn import in_turn
from tests.oauth_clients import register
from tests.people import PASSWORD, Person


@pytest.mark.proves("T3", "T7", "T8", "T9", "T14", "B5", "S1", "ASVS 10.4.4", "RFC 6749 §5.2")
@in_turn(
    ("form", "expected"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"grant_type": ["refresh_token", "refresh_token"], "refresh_token": "x"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ["x", "x"]}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": 'nül"\\\0'}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "a@example.org", "password": "x"}, "unsupported_grant_type"),
    ],
    ids=str,
)
def test_a_bad_token_request_is_400_with_its_code(
    client: FlaskClient, app: Flask, form: dict[str, Any], expected: str
) -> None:
    assert error(token(client, **form)) == (400, expected)


@pytest.mark.proves("T8", "T10", "T11")
@pytest.mark.parametrize("client_id", ["somebody", "taskward-pages", "nül"])
def test_an_unknown_client_is_401_invalid_client(client: FlaskClient, alice: Person, client_id: str) -> None:
    response = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token, client_id=client_id)
    assert error(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"]


@pytest.mark.proves("T10")
def test_a_client_that_tries_http_basic_is_challenged_for_it(client: FlaskClient, alice: Person) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token}
    response = client.post("/oauth/token", data=form, auth=("somebody", "secret"))
    assert error(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.proves("T3", "T4", "T6", "T11")
def test_the_first_party_client_may_name_itself_and_unknown_parameters_are_ignored(
    client: FlaskClient, alice: Person
) -> None:
    response = token(
        client,
        grant_type="refresh_token",
        refresh_token=alice.refresh_token,
        client_id="taskward-api",
        resource="whatever",
    )
    assert response.status_code == 200
    assert response.get_json()["token_type"] == "Bearer"
    assert isinstance(response.get_json()["expires_in"], int)
    assert response.content_type == "application/json"
    assert (response.headers["Cache-Control"], response.headers["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.proves("T2", "V1")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_bodies_that_are_no_form_are_415_in_the_voice_of_oauth(client: FlaskClient, path: str) -> None:
    assert error(client.post(path, json={"grant_type": "refresh_token"})) == (415, "invalid_request")


@pytest.mark.proves("T1", "V1")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_only_post_is_allowed(client: FlaskClient, path: str) -> None:
    response = client.get(f"{path}?grant_type=refresh_token&refresh_token=x&token=x")
    assert error(response) == (405, "invalid_request")
    assert "POST" in response.headers["Allow"]


@pytest.mark.proves("T2", "B6", "ASVS 14.2.1")
def test_parameters_in_the_query_string_are_not_looked_at(client: FlaskClient, alice: Person) -> None:
    query = f"grant_type=refresh_token&refresh_token={alice.refresh_token}"
    response = client.post(f"/oauth/token?{query}", content_type="application/x-www-form-urlencoded")
    assert error(response) == (400, "invalid_request")


@pytest.mark.proves("S1", "ASVS 10.4.4")
def test_the_password_grant_exists_behind_its_setting(make_app: MakeApp, alice: Person) -> None:
    client = make_app(OAUTH_PASSWORD_GRANT="1").test_client()
    good = token(client, grant_type="password", username=alice.email, password=PASSWORD)
    assert good.status_code == 200
    alice.access_token = good.get_json()["access_token"]
    assert alice.get("/api/me").status_code == 200
    kinds = [each["kind"] for each in alice.get("/sessions").get_json()["items"]]
    assert sorted(kinds) == ["api", "oauth"]
    for form in ({"password": "wrong"}, {"username": "nobody@example.org"}, {"username": "nul\0"}):
        bad = token(client, **({"grant_type": "password", "username": alice.email, "password": PASSWORD} | form))
        assert bad.status_code == 400
        assert bad.get_json()["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.proves("T14", "T15", "RFC 6749 §10.4")
def test_a_refresh_token_that_was_tampered_with_is_invalid_grant_and_harms_nobody(
    app: Flask, client: FlaskClient, alice: Person, bob: Person
) -> None:
    other = jwt.decode(bob.access_token, options={"verify_signature": False})["sid"]
    hostile = Forger(app, alice.refresh_token).tokens(bob.access_token, other)
    # One case sets the type right, which a refresh token has from the start; an empty token counts as left out.
    for name in hostile.keys() - {"refresh token renamed", "empty"}:
        refused = token(client, grant_type="refresh_token", refresh_token=hostile[name])
        assert error(refused) == (400, "invalid_grant"), name
    assert alice.get("/api/me").status_code == bob.get("/api/me").status_code == 200


@pytest.mark.proves("S6")
@in_turn("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/api/auth/login", METADATA])
def test_no_other_origin_may_read_an_answer(client: FlaskClient, app: Flask, path: str) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "POST", "GET"):
        response = client.open(path, method=method, headers=origin)
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]


def rename(app: Flask, table: str, to: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {to}")


@pytest.mark.proves("V6", "ASVS 16.5.3")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_a_database_that_does_not_answer_is_503_in_the_voice_of_oauth(
    app: Flask, client: FlaskClient, alice: Person, path: str
) -> None:
    asking = register(app, introspects=True)
    theirs = asking.signed_in(alice)
    form = {"grant_type": "refresh_token", "refresh_token": theirs.refresh_token, "token": theirs.access_token}
    rename(app, "sign_ins", "elsewhere")
    try:
        response = asking.post(path.removeprefix("/oauth/"), **form)
    finally:
        rename(app, "elsewhere", "sign_ins")
    assert error(response) == (503, "temporarily_unavailable")
    assert response.headers["Retry-After"]
    assert asking.introspect(theirs.access_token)["active"]
