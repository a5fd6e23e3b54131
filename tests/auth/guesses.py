"""Guesses for tests: from an address, through the API or the page, until the answer is to wait."""

import html
import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.extensions import db

WRONG = "not the right password"
HOME, ABROAD = "192.0.2.10", "198.51.100.20"


def login(app: Flask, email: str, password: str = WRONG, ip: str = HOME) -> TestResponse:
    """Sign in through the API from an address."""
    body = {"email": email, "password": password}
    return app.test_client(use_cookies=False).post("/api/auth/login", json=body, environ_overrides={"REMOTE_ADDR": ip})


def fail(app: Flask, email: str, times: int, ip: str = HOME) -> None:
    for _ in range(times):
        assert login(app, email, ip=ip).status_code == 401


def waits(response: TestResponse) -> int:
    assert response.status_code == 429, response.text
    return int(response.headers["Retry-After"])


def events(app: Flask, name: str) -> list[dict[str, object]]:
    with app.app_context(), db.read() as connection:
        query = text("SELECT user_id, detail FROM security_events WHERE event = :name ORDER BY id")
        return [dict(row._mapping) for row in connection.execute(query, {"name": name})]


def browser(app: Flask, ip: str = HOME) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = ip
    return client


def submit(client: FlaskClient, path: str, form_of: str | None = None, **fields: str) -> TestResponse:
    """Send a form as a browser does: with the token of the page it is on."""
    page = client.get(form_of or path).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return client.post(path, data={"csrf_token": html.unescape(token[1])} | fields)


def sign_in_page(client: FlaskClient, email: str, password: str) -> TestResponse:
    return submit(client, "/login", email=email, password=password)
