"""The OAuth endpoints on the wire: RFC 6749 §5, RFC 7009, RFC 8414."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.services import maintenance
from tests.conftest import Count, MakeApp
from tests.forge import Forger
from tests.in_turn import in_turn
from tests.oauth_clients import register
from tests.people import PASSWORD, Person, signed_in


def token(client: FlaskClient, **form: Any) -> TestResponse:
    return client.post("/oauth/token", data=form)


def error(response: TestResponse) -> tuple[int, str]:
    body = response.get_json()
    assert body.keys() == {"error", "error_description"}
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    allowed = {*range(0x20, 0x22), *range(0x23, 0x5C), *range(0x5D, 0x7F)}
    assert {ord(c) for c in body["error"] + body["error_description"]} <= allowed
    return response.status_code, body["error"]


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


@pytest.mark.proves("V1", "V3", "T12", "T14", "ASVS 7.4.1")
def test_revoking_a_refresh_token_ends_its_sign_in(client: FlaskClient, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    response = client.post("/oauth/revoke", data={"token": alice.refresh_token})
    assert (response.status_code, response.get_data()) == (200, b"")
    assert alice.get("/api/me").status_code == 401
    refreshed = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token)
    assert error(refreshed) == (400, "invalid_grant")
    assert elsewhere.get("/api/me").status_code == 200


@pytest.mark.proves("V1", "V3", "ASVS 7.4.1")
def test_revoking_an_access_token_blocks_it_alone(client: FlaskClient, alice: Person, count: Count) -> None:
    for _ in range(2):
        assert client.post("/oauth/revoke", data={"token": alice.access_token}).status_code == 200
    assert count("blocked_tokens") == 1
    assert alice.get("/api/me").status_code == 401
    refreshed = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token)
    assert refreshed.status_code == 200
    alice.access_token = refreshed.get_json()["access_token"]
    assert alice.get("/api/me").status_code == 200


@pytest.mark.proves("V5")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_a_wrong_hint_does_not_matter(client: FlaskClient, alice: Person, hint: str) -> None:
    form = {"token": alice.refresh_token, "token_type_hint": hint}
    assert client.post("/oauth/revoke", data=form).status_code == 200
    assert alice.get("/api/me").status_code == 401


@pytest.mark.proves("V4")
@pytest.mark.parametrize("raw", ["junk", "a.b.c", "é", "x" * 9000])
def test_revoking_what_is_no_token_is_200(client: FlaskClient, app: Flask, raw: str) -> None:
    assert client.post("/oauth/revoke", data={"token": raw}).status_code == 200


@pytest.mark.proves("V1")
def test_revoking_without_a_token_is_invalid_request(client: FlaskClient, app: Flask) -> None:
    assert error(client.post("/oauth/revoke", data={})) == (400, "invalid_request")


def test_purging_deletes_what_has_expired_and_nothing_else(app: Flask, client: FlaskClient, alice: Person) -> None:
    client.post("/oauth/revoke", data={"token": alice.access_token})
    alice.another_sign_in()
    with app.app_context():
        nothing = {"blocked_tokens": 0, "sessions": 0, "signing_keys": 0, "login_throttles": 0}
        assert maintenance.run(maintenance.TOKENS) == nothing
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=17)):
            assert maintenance.run(maintenance.TOKENS) == nothing | {"blocked_tokens": 1}
        with time_machine.travel(datetime.now(UTC) + timedelta(days=61)):
            assert maintenance.run(maintenance.TOKENS) == nothing | {"sessions": 2}


METADATA = "/.well-known/oauth-authorization-server"


@pytest.mark.proves("M1", "M2", "S1", "S7")
def test_the_metadata_describes_what_there_is(client: FlaskClient, app: Flask, make_app: MakeApp) -> None:
    response = client.get(METADATA)
    assert (response.status_code, response.content_type) == (200, "application/json")
    body, issuer = response.get_json(), app.config["PUBLIC_URL"]
    assert body["issuer"] == issuer
    assert body["jwks_uri"] == f"{issuer}/.well-known/jwks.json"
    for endpoint in ("token", "revocation", "introspection"):
        path = {"token": "token", "revocation": "revoke", "introspection": "introspect"}[endpoint]
        assert body[f"{endpoint}_endpoint"] == f"{issuer}/oauth/{path}"
        methods = set(body[f"{endpoint}_endpoint_auth_methods_supported"])
        assert methods - {"none"} == {"client_secret_basic", "client_secret_post"}
        assert ("none" in methods) == (endpoint != "introspection")
    assert body["grant_types_supported"] == ["refresh_token"]
    assert body["scopes_supported"] == ["tasks:read", "tasks:write", "account"]
    other = make_app(OAUTH_PASSWORD_GRANT="1").test_client().get(METADATA)
    assert other.get_json()["grant_types_supported"] == ["refresh_token", "password"]


@pytest.mark.proves("M1", "S7")
def test_the_issuer_of_the_metadata_is_the_issuer_of_the_tokens(make_app: MakeApp, alice: Person) -> None:
    app = make_app(PUBLIC_URL="https://tasks.example.org")
    body = app.test_client().get(METADATA).get_json()
    there = signed_in(app, alice.email)
    claims = jwt.decode(there.access_token, options={"verify_signature": False})
    assert body["issuer"] == claims["iss"] == claims["aud"] == "https://tasks.example.org"
    assert alice.client.get("/api/me", headers=there.bearer()).status_code == 401


@pytest.mark.proves("M1", "M2", "M3", "RFC 8414 §2")
def test_a_validator_that_is_not_ours_finds_no_fault_in_the_metadata(make_app: MakeApp) -> None:
    app = make_app(PUBLIC_URL="https://tasks.example.org")
    metadata = AuthorizationServerMetadata(app.test_client().get(METADATA).get_json())
    # Required but, without an authorization endpoint, empty: Authlib knows no server of that kind.
    assert metadata.pop("response_types_supported") == []
    for name in metadata.REGISTRY_KEYS:
        if name != "response_types_supported":
            getattr(metadata, f"validate_{name}")()
    assert all(metadata.values()), "a member without a value has to be left out"


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
