"""What tests of the key ring share: rotate by the command, look at a token, verify it as an outsider does."""

import json
from typing import Any

import jwt
from flask import Flask

from tests.people import Person

ASYMMETRIC = {"RS256": "RS256", "ES256": "ES256", "Ed25519": "EdDSA"}
JWKS = "/.well-known/jwks.json"


def command(app: Flask, *words: str) -> dict[str, Any]:
    """Run ``flask keys …`` and return what it prints."""
    result = app.test_cli_runner().invoke(args=["keys", *words, "--json"])
    assert result.exit_code == 0, result.stderr
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def rotate(app: Flask, algorithm: str, *words: str) -> str:
    """Add a key and return its kid."""
    return str(command(app, "rotate", "--algorithm", algorithm, *words)["kid"])


def statuses(app: Flask) -> dict[str, str]:
    """Return the status of every key that ``flask keys list`` shows."""
    return {each["kid"]: each["status"] for each in command(app, "list")["items"]}


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def public_keys(app: Flask) -> list[dict[str, str]]:
    """Return the published keys."""
    found: list[dict[str, str]] = app.test_client().get(JWKS).get_json()["keys"]
    return found


def verified_by_an_outsider(app: Flask, person: Person) -> dict[str, Any]:
    """Verify the access token as a resource server does that has nothing but what we publish."""
    client = app.test_client()
    server = client.get("/.well-known/oauth-authorization-server").get_json()
    published = client.get(server["jwks_uri"].removeprefix(server["issuer"])).get_json()
    key = jwt.PyJWKSet.from_dict(published)[kid_of(person.access_token)]
    claims: dict[str, Any] = jwt.decode(
        person.access_token, key, algorithms=[key.algorithm_name], audience=server["issuer"], issuer=server["issuer"]
    )
    return claims
