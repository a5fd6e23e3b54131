"""A browser without JavaScript for tests: keeps cookies, fills in the form token."""

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.web.access import PAGES_CLIENT
from tests.people import PASSWORD, Person, signed_in

SIGNED_IN_PAGES = ("/tasks", "/account")


class Browser:
    """Somebody's browser; without a person, nobody is signed in."""

    def __init__(self, app: Flask, person: Person | None = None) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.origin: str = app.config["PUBLIC_URL"]
        if person is not None:
            tokens = signed_in(app, person.email, "web", PAGES_CLIENT)
            self.keep("ACCESS_COOKIE_NAME", tokens.access_token)
            self.keep("REFRESH_COOKIE_NAME", tokens.refresh_token)

    def keep(self, setting: str, value: str) -> None:
        """Put one of the cookies into the browser, by the setting that names it."""
        self.client.set_cookie(self.app.config[setting], value, domain=str(urlsplit(self.origin).hostname))

    def cookie(self, setting: str) -> str:
        """Return the value of one of the cookies, by the setting that names it."""
        cookie = self.client.get_cookie(self.app.config[setting], str(urlsplit(self.origin).hostname))
        return cookie.value if cookie else ""

    def get(self, path: str) -> TestResponse:
        """GET a page."""
        return self.client.get(path, base_url=self.origin, buffered=True)

    def post(self, path: str, form_on: str, **fields: Any) -> TestResponse:
        """Send a form, with the token that the page ``form_on`` has."""
        return self.send(path, {"csrf_token": self.form_token(form_on)} | fields, form_on)

    def form_token(self, form_on: str) -> str:
        """Return the token that the forms of a page have."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(form_on).text)
        assert token, f"{form_on} has no form"
        return token[1]

    def send(self, path: str, data: dict[str, Any], form_on: str = "/") -> TestResponse:
        """Send a form as it is."""
        return self.client.post(path, data=data, base_url=self.origin, headers={"Referer": f"{self.origin}{form_on}"})


def sign_in(browser: Browser, person: Person, **fields: str) -> TestResponse:
    """Sign in by the page."""
    return browser.post("/login", "/login", email=person.email, password=PASSWORD, **fields)
