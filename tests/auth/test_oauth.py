"""The OAuth endpoints on the wire: RFC 6749 §5, RFC 7009, RFC 8414."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services import tokens
from tests.conftest import Count, MakeApp
from tests.people import PASSWORD, Person


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


@pytest.mark.proves("T3", "T7", "T8", "T9", "T14", "S1", "RFC 6749 §5.2")
@pytest.mark.parametrize(
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


@pytest.mark.proves("T10")
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


@pytest.mark.proves("T3", "T4")
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


@pytest.mark.proves("T2")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_bodies_that_are_no_form_are_415_in_the_voice_of_oauth(client: FlaskClient, path: str) -> None:
    assert error(client.post(path, json={"grant_type": "refresh_token"})) == (415, "invalid_request")


@pytest.mark.proves("T1", "V1")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_only_post_is_allowed(client: FlaskClient, path: str) -> None:
    response = client.get(f"{path}?grant_type=refresh_token&refresh_token=x&token=x")
    assert error(response) == (405, "invalid_request")
    assert "POST" in response.headers["Allow"]


@pytest.mark.proves("T2", "ASVS 14.2.1")
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


@pytest.mark.proves("V1", "V3", "T14", "ASVS 7.4.1")
def test_revoking_a_refresh_token_ends_its_sign_in(client: FlaskClient, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    response = client.post("/oauth/revoke", data={"token": alice.refresh_token})
    assert (response.status_code, response.get_data()) == (200, b"")
    assert alice.get("/api/me").status_code == 401
    refreshed = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token)
    assert error(refreshed) == (400, "invalid_grant")
    assert elsewhere.get("/api/me").status_code == 200


@pytest.mark.proves("V1", "V3")
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
        assert tokens.purge() == {"blocked_tokens": 0, "sign_ins": 0}
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=17)):
            assert tokens.purge() == {"blocked_tokens": 1, "sign_ins": 0}
        with time_machine.travel(datetime.now(UTC) + timedelta(days=61)):
            assert tokens.purge() == {"blocked_tokens": 0, "sign_ins": 2}


@pytest.mark.proves("M1", "M2", "S7")
def test_the_metadata_describes_what_there_is(client: FlaskClient, app: Flask, make_app: MakeApp) -> None:
    body = client.get("/.well-known/oauth-authorization-server").get_json()
    issuer = app.config["PUBLIC_URL"]
    assert body["issuer"] == issuer
    assert body["token_endpoint"] == f"{issuer}/oauth/token"
    assert body["revocation_endpoint"] == f"{issuer}/oauth/revoke"
    assert body["grant_types_supported"] == ["refresh_token"]
    assert body["response_types_supported"] == []
    other = make_app(OAUTH_PASSWORD_GRANT="1").test_client().get("/.well-known/oauth-authorization-server")
    assert other.get_json()["grant_types_supported"] == ["refresh_token", "password"]
