"""Guessing passwords: what somebody who has to wait is told, at every place that takes a password."""

import time_machine
from flask import Flask

from tests.auth.guesses import WRONG, browser, fail, login, sign_in_page, submit, waits
from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.people import PASSWORD, Person


def test_the_refusal_says_how_long_to_wait_in_each_voice(
    app: Flask, make_app: MakeApp, alice: Person, clock: time_machine.Traveller
) -> None:
    fail(app, alice.email, 5)
    problem = login(app, alice.email)
    assert problem.content_type == "application/problem+json"
    assert problem.get_json()["type"] == "urn:taskward:problem:too-many-attempts"
    assert problem.get_json()["detail"] == "Too many failed attempts. Wait 1 second and try again."
    form = {"grant_type": "password", "username": alice.email, "password": PASSWORD}
    oauth = browser(make_app(OAUTH_PASSWORD_GRANT="1")).post("/oauth/token", data=form)
    assert waits(oauth) == 1
    assert oauth.get_json()["error"] == "temporarily_unavailable"


def test_the_sign_in_page_says_how_long_to_wait_and_keeps_what_was_typed(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    client = browser(app)
    for _ in range(5):
        assert sign_in_page(client, alice.email, WRONG).status_code == 422
    page = submit(client, "/login", email=alice.email, password=PASSWORD, next="/tasks?status=trash")
    assert waits(page) == 1
    assert "Wait 1 second and try again." in page.text
    assert f'value="{alice.email}"' in page.text
    assert 'value="/tasks?status=trash"' in page.text
    assert PASSWORD not in page.text
    clock.shift(1)
    assert sign_in_page(client, alice.email, PASSWORD).status_code == 303


def test_repeating_the_password_while_signed_in_is_delayed_by_sign_in(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    thief = alice.another_sign_in()
    change = {"current_password": WRONG, "new_password": "another good password"}
    for _ in range(4):
        assert thief.put("/password", change).status_code == 403
    assert thief.delete(json={"password": WRONG}).status_code == 403
    right = change | {"current_password": PASSWORD}
    assert waits(thief.put("/password", right)) == 1
    assert waits(thief.delete(json={"password": PASSWORD})) == 1
    # The owner is not kept from throwing the thief out.
    assert alice.put("/password", right).status_code == 204


def test_the_account_page_says_how_long_to_wait(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    client = browser(app)
    sign_in_page(client, alice.email, PASSWORD)
    fields = {"current_password": WRONG, "new_password": "another good password"}
    for _ in range(5):
        assert submit(client, "/account/password", form_of="/account", **fields).status_code == 422
    page = submit(client, "/account/password", form_of="/account", **fields)
    assert waits(page) == 1
    assert "Wait 1 second and try again." in page.text


@ONE_DATABASE
def test_who_registers_where_a_neighbour_guessed_is_led_to_sign_in(
    app: Flask, clock: time_machine.Traveller, count: Count
) -> None:
    for number in range(100):
        fail(app, f"user{number}@example.org", 1)
    client = browser(app)
    response = submit(client, "/register", email="carol@example.org", password=PASSWORD)
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/login?notice=registered")
    assert count("users") == 1
