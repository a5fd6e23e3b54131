"""The OAuth endpoints for tests: ask for a token, and read an error as RFC 6749 §5.2 has it."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

METADATA = "/.well-known/oauth-authorization-server"


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
