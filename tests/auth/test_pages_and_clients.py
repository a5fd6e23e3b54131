"""What breaking in found: tokens of other clients in the cookies of the pages, look-alike addresses, foreign hosts."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.oauth_clients import register
from tests.people import PASSWORD, Person, signed_in


@pytest.mark.proves("S5", "T12", "ASVS 10.3.2")
@pytest.mark.parametrize("whose", ["another client", "our own API"])
def test_an_access_token_of_another_client_opens_no_page(app: Flask, alice: Person, whose: str) -> None:
    token = alice.access_token if whose == "our own API" else register(app).signed_in(alice).access_token
    browser = app.test_client()
    browser.set_cookie(app.config["ACCESS_COOKIE_NAME"], token)
    for path in ("/tasks", "/account", "/account/email", "/account/confirm"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/login"), path


def test_an_access_token_of_the_pages_opens_them(app: Flask, alice: Person) -> None:
    """The control of the test above."""
    browser = app.test_client()
    there = signed_in(app, alice.email, "web", "taskward-pages")
    browser.set_cookie(app.config["ACCESS_COOKIE_NAME"], there.access_token)
    assert browser.get("/tasks").status_code == 200


@pytest.mark.parametrize("spelling", ["\uff41lice@example.org", "\U0001d5baLICE@example.org"])
def test_an_address_that_only_looks_like_another_is_taken(client: FlaskClient, alice: Person, spelling: str) -> None:
    answer = client.post("/api/auth/register", json={"email": spelling, "password": PASSWORD})
    assert answer.status_code == 409


@pytest.mark.parametrize("path", ["/api//me", "/tasks//"])
def test_no_redirect_leads_to_the_host_that_the_request_names(client: FlaskClient, app: Flask, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    assert "evil.example" not in answer.headers.get("Location", "")
