"""Changing the e-mail address: what it needs, what it ends, what is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.browser import sign_in, submit
from tests.conftest import MakeApp
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import PASSWORD, Person

NEW = "alice@new.example.org"


def login(app: Flask, email: str) -> int:
    return app.test_client().post("/api/auth/login", json={"email": email, "password": PASSWORD}).status_code


def test_the_new_address_signs_in_and_the_old_one_does_not(app: Flask, alice: Person) -> None:
    response = alice.put("/email", {"email": f" {NEW} "})
    assert response.status_code == 200
    assert response.get_json() == alice.get().get_json()
    assert response.get_json()["email"] == NEW
    assert login(app, NEW.upper()) == 200
    assert login(app, alice.email) == 401


@pytest.mark.proves("ASVS 7.4.3")
def test_all_other_sign_ins_end_and_this_one_stays(alice: Person, bob: Person) -> None:
    other = alice.another_sign_in()
    assert alice.put("/email", {"email": NEW}).status_code == 200
    assert [each.get("/sessions").status_code for each in (alice, other, bob)] == [200, 401, 200]
    events = {each["event"]: each["description"] for each in alice.get("/events").get_json()["items"]}
    assert events["authn_email_change"].startswith("E-mail address changed from ")


@pytest.mark.parametrize("taken", ["bob@example.org", "BOB@Example.ORG"])
def test_an_address_of_somebody_else_is_409_whatever_its_case(
    alice: Person, bob: Person, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = alice.another_sign_in()
    response = alice.put("/email", {"email": taken})
    assert "session_logout" not in capsys.readouterr().err  # nor is it said that it did
    assert response.status_code == 409
    assert response.get_json()["type"] == "urn:taskward:problem:email-taken"
    assert alice.get().get_json()["email"] == alice.email
    assert other.get().status_code == 200


def test_the_case_of_ones_own_address_can_be_changed(alice: Person) -> None:
    assert alice.put("/email", {"email": "Alice@example.org"}).get_json()["email"] == "Alice@example.org"


def test_the_present_address_changes_and_ends_nothing(alice: Person) -> None:
    other = alice.another_sign_in()
    assert alice.put("/email", {"email": alice.email}).status_code == 200
    assert other.get().status_code == 200


@in_turn("email", ["", "alice", "a b@example.org", "x" * 300 + "@example.org", "a\n@example.org", None, 7])
def test_a_bad_address_is_422_at_its_pointer(alice: Person, email: object) -> None:
    response = alice.put("/email", {"email": email})
    assert response.status_code == 422
    assert [each["pointer"] for each in response.get_json()["errors"]] == ["#/email"]
    assert alice.get().get_json()["email"] == alice.email


def test_of_two_people_who_want_one_address_at_the_same_moment_one_gets_it(alice: Person, bob: Person) -> None:
    for n in range(5):
        wanted = {"email": f"wanted{n}@example.org"}
        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(lambda who: who.put("/email", wanted).status_code, (alice, bob)))  # noqa: B023
        assert statuses == [200, 409]


def test_the_page_changes_the_address(app: Flask, client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice.email)
    assert "/account/email" in client.get("/account").text
    response = submit(client, "/account/email", "/account/email", email=NEW)
    assert (response.status_code, response.location) == (303, "/account")
    page = client.get("/account").text
    assert NEW in page
    assert "E-mail address changed." in page
    assert alice.get().status_code == 401
    assert login(app, NEW) == 200


@pytest.mark.parametrize(("email", "words"), [("bob@example.org", "already exists"), ("alice", "valid e-mail address")])
def test_the_page_says_beside_the_field_what_is_wrong(
    client: FlaskClient, alice: Person, bob: Person, email: str, words: str
) -> None:
    sign_in(client, alice.email)
    response = submit(client, "/account/email", "/account/email", email=email)
    assert response.status_code == 422
    assert words in response.text
    assert 'id="email-error"' in response.text


def test_changing_addresses_tells_no_faster_than_registering_which_are_taken(make_app: MakeApp, alice: Person) -> None:
    limited = make_app(RATE_LIMIT="40").test_client()  # a twentieth of it for those who register
    url, headers = alice.url("/email"), alice.bearer()
    statuses = [limited.put(url, headers=headers, json={"email": f"a{n}@example.org"}).status_code for n in range(3)]
    assert statuses == [200, 200, 429]


def test_the_page_says_that_the_present_address_changes_nothing(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    assert browser.post("/account/email", "/account/email", email=alice.email).status_code == 303
    assert "Nothing was changed." in browser.get("/account").text
    assert alice.get().status_code == 200
