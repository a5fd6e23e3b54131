"""People for tests: signed in without the cost of hashing a password each time."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import User
from app.services import passwords, sign_ins, tokens
from app.services.clients import FIRST_PARTY
from app.services.scopes import ALL_SCOPES
from tests.leaks import keep_secret

PASSWORD = "correct horse battery staple"
keep_secret(PASSWORD, always=True)


@dataclass
class Person:
    """An account with one sign-in through the API, and a client that presents its access token."""

    app: Flask
    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def client(self) -> FlaskClient:
        """A client without cookies."""
        return self.app.test_client(use_cookies=False)

    def bearer(self) -> dict[str, str]:
        """Return the header that presents the access token."""
        return {"Authorization": f"Bearer {self.access_token}"}

    def url(self, path: str = "") -> str:
        """Return the address of something of this person's, as in ``/tasks``."""
        return f"/api/users/{self.id}{path}"

    def call(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """Send a request with the access token; a path without ``/api`` is relative to the person."""
        address = path if path.startswith("/api") else self.url(path)
        return self.client.open(address, method=method, headers=self.bearer(), **arguments)

    def get(self, path: str = "", **arguments: Any) -> TestResponse:
        """GET with the access token."""
        return self.call("GET", path, **arguments)

    def post(self, path: str = "", json: Any = None) -> TestResponse:
        """POST JSON with the access token."""
        return self.call("POST", path, json=json)

    def patch(self, path: str = "", json: Any = None) -> TestResponse:
        """PATCH JSON with the access token."""
        return self.call("PATCH", path, json=json)

    def put(self, path: str = "", json: Any = None) -> TestResponse:
        """PUT JSON with the access token."""
        return self.call("PUT", path, json=json)

    def delete(self, path: str = "", json: Any = None) -> TestResponse:
        """DELETE with the access token."""
        return self.call("DELETE", path, json=json)

    def another_sign_in(self) -> "Person":
        """Return the same person on another device."""
        return signed_in(self.app, self.email)

    def make_task(self, **fields: Any) -> dict[str, Any]:
        """Create a task through the API and return it."""
        fields = {"title": "Buy milk"} | fields
        if " " in fields["title"]:  # a single word may well be in a log for another reason
            keep_secret(fields["title"])
        response = self.post("/tasks", fields)
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.get_json()
        return task


def make_person(app: Flask, email: str, name: str = "") -> Person:
    """Add an account whose password is `PASSWORD`, and sign it in."""
    with app.app_context():
        user = User(email=email, email_key=email.casefold(), name=name, password_hash=_hash(app))
        db.session.add(user)
        db.session.flush()
        return _signed_in(app, user, "api", FIRST_PARTY.id, ALL_SCOPES)


def signed_in(
    app: Flask, email: str, kind: str = "api", client_id: str = FIRST_PARTY.id, scope: str = ALL_SCOPES
) -> Person:
    """Sign an account in on one more device."""
    with app.app_context():
        user = db.session.query(User).filter_by(email_key=email.casefold()).one()
        return _signed_in(app, user, kind, client_id, scope)


def sid(person: Person) -> str:
    """Return the id of the sign-in that the person's access token is of."""
    return next(str(each["id"]) for each in person.get("/sessions").get_json()["items"] if each["current"])


def _signed_in(app: Flask, user: User, kind: str, client_id: str, scope: str) -> Person:
    person = app, str(user.id), user.email  # read before the commit, after which they would be asked for again
    pair = tokens.issue(sign_ins.start(user.id, kind, client_id, scope))
    db.session.commit()
    return Person(*person, pair.access_token, pair.refresh_token)


@lru_cache
def _hash(app: Flask) -> str:
    with app.app_context():
        return passwords.hash_password(PASSWORD)
