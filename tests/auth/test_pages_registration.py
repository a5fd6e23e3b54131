"""Pages: registering, what is refused of it at which field, and a server that takes nobody new."""

import re

from flask import Flask
from flask.testing import FlaskClient

from tests.auth.browser import post
from tests.conftest import Count, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person


def test_registering_signs_in_at_once(client: FlaskClient, count: Count) -> None:
    form = {"email": "fay@example.org", "password": PASSWORD, "name": "Fay", "timezone": "Asia/Tokyo"}
    response = post(client, "/register", next="/account", **form)
    assert (response.status_code, response.headers["Location"]) == (303, "/account")
    page = client.get("/account").text
    assert 'value="Fay"' in page
    assert re.search(r'<option selected value="Asia/Tokyo">', page)


def test_a_time_zone_that_is_none_does_not_stop_a_registration(client: FlaskClient) -> None:
    form = {"email": "fay@example.org", "password": PASSWORD, "timezone": "Mars/Olympus"}
    assert post(client, "/register", **form).status_code == 303


@in_turn(
    ("form", "field"),
    [
        ({"email": "alice@example.org"}, "email"),
        ({"email": "nonsense"}, "email"),
        ({"email": ""}, "email"),
        ({"password": "short"}, "password"),
        ({"password": ""}, "password"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
    ],
    ids=str,
)
def test_a_refused_registration_is_422_and_names_the_field(
    client: FlaskClient, alice: Person, form: dict[str, str], field: str, count: Count
) -> None:
    response = post(client, "/register", **({"email": "fay@example.org", "password": PASSWORD, "name": "F"} | form))
    assert response.status_code == 422
    assert f'href="#{field}"' in response.text
    assert f'id="{field}-error"' in response.text
    assert "<title>Error: " in response.text
    assert count("users") == 1


def test_a_closed_registration_says_so_and_is_not_offered(make_app: MakeApp, alice: Person) -> None:
    client = make_app(REGISTRATION_OPEN="0").test_client()
    assert "/register" not in client.get("/login").text
    assert client.get("/register").status_code == 403
    response = post(client, "/register", page="/login", email="fay@example.org", password=PASSWORD)
    assert response.status_code == 403


@in_turn("wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"])
def test_after_registering_one_stays_on_this_site(app: Flask, wanted: str, count: Count) -> None:
    form = {"email": f"fay{count('users')}@example.org", "password": PASSWORD}
    response = post(app.test_client(), "/register", next=wanted, **form)
    assert (response.status_code, response.location) == (303, "/tasks")
