"""OAuth clients for tests."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from flask import Flask
from werkzeug.test import TestResponse

from app.services import clients
from app.services.scopes import ALL_SCOPES
from tests.people import Person, signed_in


@dataclass(frozen=True)
class Registered:
    """A registered client; the secret is None for a public one."""

    app: Flask
    id: str
    secret: str | None

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form to an OAuth endpoint, by Basic if confidential and by name alone if public."""
        headers = basic(self.id, self.secret) if self.secret else {}
        named = {} if self.secret else {"client_id": self.id}
        return self.app.test_client().post(f"/oauth/{path}", data=named | form, headers=headers)

    def refresh(self, token: str, **form: Any) -> TestResponse:
        """Ask for a new pair."""
        return self.post("token", grant_type="refresh_token", refresh_token=token, **form)

    def introspect(self, token: str, **form: Any) -> dict[str, Any]:
        """Return what the server says about a token."""
        response = self.post("introspect", token=token, **form)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.get_json()
        return body

    def signed_in(self, person: Person, scope: str = ALL_SCOPES) -> Person:
        """Return the person with a sign-in through this client."""
        return signed_in(self.app, person.email, "oauth", self.id, scope)


def register(
    app: Flask, *, confidential: bool = True, introspects: bool = False, scope: str = ALL_SCOPES
) -> Registered:
    """Register a client as the operator's command does."""
    with app.app_context():
        made = clients.create("A program", confidential=confidential, scope=scope, introspects=introspects)
    return Registered(app, made["id"], made["secret"])


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic as RFC 6749 §2.3.1 has it: both halves form-encoded."""
    credentials = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def error(response: TestResponse) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return response.status_code, response.get_json()["error"]
