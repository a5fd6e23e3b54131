"""Without its database Taskward says so, 503, and never takes that for an answer about a token."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

from app.extensions import db
from app.models import time_ordered_id, utcnow
from app.services import tokens
from app.services.clients import FIRST_PARTY
from app.web.access import PAGES_CLIENT
from tests.conftest import ENGINES
from tests.installations import destroy_database, installation, opened, remove_database_directory
from tests.people import PASSWORD, Person, make_person, signed_in


@pytest.fixture(scope="module", params=ENGINES)
def carol(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody signed in by a browser too, whose database has just gone."""
    directory: Path = tmp_path_factory.mktemp("down")
    with installation(request.param, directory) as env, opened(env) as app:
        person = signed_in(app, make_person(app, "carol@example.org").email, "web", PAGES_CLIENT)
        assert person.get("/api/me").status_code == 200  # the token is known to be good
        destroy_database(app, env)
        yield person
        if request.param == "sqlite":
            remove_database_directory(env)


CREDENTIALS = {"email": "carol@example.org", "password": PASSWORD}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/me", None),
        ("GET", "/tasks", None),
        ("GET", "", None),
        ("POST", "/tasks", {"title": "x"}),
        ("POST", "/api/auth/login", CREDENTIALS),
        ("POST", "/api/auth/register", CREDENTIALS),
        ("POST", "/api/auth/logout", None),
        ("GET", "/readyz", None),
    ],
)
def test_the_api_answers_503_and_when_to_try_again(carol: Person, method: str, path: str, body: object) -> None:
    address = path if path.startswith(("/api", "/readyz")) else carol.url(path)
    response = carol.client.open(address, method=method, json=body, headers=carol.bearer())
    assert response.status_code == 503, response.text
    assert response.content_type == "application/problem+json"
    assert int(response.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in response.headers
    assert "carol" not in response.text.replace(carol.id, "")


def _refresh_token(person: Person) -> str:
    """Return a refresh token, good as far as one can tell without a database, of a client other than the pages."""
    now = utcnow()
    row = {
        "id": time_ordered_id(),
        "user_id": UUID(person.id),
        "client_id": FIRST_PARTY.id,
        "scope": "account",
        "seq": 0,
    }
    later = now + timedelta(days=1)
    times = {"auth_time": now, "rotated_at": now, "idle_until": later, "expires_at": later}
    with person.app.app_context():
        return tokens.issue(SimpleNamespace(**row, **times)).refresh_token


@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke"])
def test_oauth_answers_503_in_its_own_words(carol: Person, endpoint: str) -> None:
    other = _refresh_token(carol)
    form = {"grant_type": "refresh_token", "refresh_token": other, "token": other}
    response = carol.client.post(endpoint, data=form)
    assert response.status_code == 503
    assert response.get_json()["error"] == "temporarily_unavailable"
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("cookie", ["access", "refresh"])
def test_pages_answer_503_and_leave_the_browser_signed_in(carol: Person, cookie: str) -> None:
    client = carol.app.test_client()
    token = carol.access_token if cookie == "access" else carol.refresh_token
    client.set_cookie(carol.app.config[f"{cookie.upper()}_COOKIE_NAME"], token)
    response = client.get("/tasks")
    assert response.status_code == 503
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers["Retry-After"]
    assert not [
        value for value in response.headers.getlist("Set-Cookie") if carol.app.config["ACCESS_COOKIE_NAME"] in value
    ]


def test_what_needs_no_database_is_still_answered(carol: Person) -> None:
    client = carol.app.test_client()
    for path in ("/healthz", "/login", "/.well-known/oauth-authorization-server", "/static/app.css"):
        with client.get(path) as response:
            assert response.status_code == 200, path


def test_connections_that_were_cut_are_replaced_before_anybody_notices(app: Flask, alice: Person) -> None:
    assert alice.get("/tasks").status_code == 200
    assert alice.post("/tasks", {"title": "Buy milk"}).status_code == 201
    with app.app_context():
        _cut_connections()
    assert alice.get("/tasks").status_code == 200
    assert alice.post("/tasks", {"title": "Buy milk"}).status_code == 201


def _cut_connections() -> None:
    """Close every connection of the database from the other end, as a restart of its server does."""
    if db.engine.dialect.name == "sqlite":
        db.dispose()
        return
    outside = create_engine(db.engine.url, poolclass=NullPool)
    with outside.begin() as connection:
        cut = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        assert len(cut.all()) >= 2  # one that reads, one that writes
