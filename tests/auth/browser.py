"""A browser without JavaScript: fetches a page, fills its form, sends it."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.people import PASSWORD

_TOKEN = re.compile(r'name="csrf_token" (?:type="hidden" )?value="([^"]+)"')


def submit(browser: FlaskClient, page: str, action: str, **fields: Any) -> TestResponse:
    """Send a form of the page, with the page's form token."""
    found = _TOKEN.search(browser.get(page).text)
    assert found, f"no form on {page}"
    return browser.post(action, data={"csrf_token": found[1]} | fields)


def sign_in(browser: FlaskClient, email: str, password: str = PASSWORD) -> None:
    """Sign in by the page."""
    assert submit(browser, "/login", "/login", email=email, password=password).status_code == 303


def post(client: FlaskClient, path: str, page: str | None = None, **form: str) -> TestResponse:
    """Send a form as a browser does: with the token of the page it is on."""
    shown = client.get(page or path, follow_redirects=True).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown)
    assert token, shown
    return client.post(path, data={"csrf_token": token[1]} | form)
