"""What the server publishes about itself for OAuth clients (RFC 8414)."""

import jwt
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.endpoints import METADATA
from tests.conftest import MakeApp
from tests.people import Person, signed_in


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
