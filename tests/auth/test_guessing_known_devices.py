"""Guessing passwords: the owner's networks and browsers, which do not have to wait for what strangers do."""

import itertools
import re
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.guesses import ABROAD, HOME, WRONG, browser, fail, login, sign_in_page, submit, waits
from tests.conftest import ONE_DATABASE, MakeApp
from tests.people import PASSWORD, Person


def networks() -> Iterator[str]:
    """Yield addresses of which no two share a network."""
    for second, third in itertools.product(range(256), range(256)):
        yield f"10.{second}.{third}.1"


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("taskward_device")
    assert found
    return found.value


@pytest.mark.proves("ASVS 6.1.1")
def test_failures_elsewhere_do_not_delay_the_owner(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    fail(app, alice.email, 5, ip=ABROAD)
    assert waits(login(app, alice.email, PASSWORD, ip=ABROAD)) == 1
    assert login(app, alice.email, PASSWORD).status_code == 200


@pytest.mark.proves("ASVS 6.1.1", "ASVS 6.3.1")
def test_an_account_guessed_from_many_networks_makes_only_unknown_devices_wait(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    assert login(app, alice.email, PASSWORD, ip=HOME).status_code == 200
    known = browser(app, ip="203.0.113.5")
    assert sign_in_page(known, alice.email, PASSWORD).status_code == 303
    signed_out = submit(known, "/logout", form_of="/account")
    assert signed_out.status_code == 303
    for ip in itertools.islice(networks(), 50):
        fail(app, alice.email, 1, ip=ip)
    clock.shift(60)
    assert waits(login(app, alice.email, PASSWORD, ip=ABROAD)) == 3540
    assert waits(sign_in_page(browser(app, ip=ABROAD), alice.email, PASSWORD)) == 3540
    # A program in a network where this account signed in before, a browser in which it did, wherever that is now.
    assert login(app, alice.email, PASSWORD, ip=HOME.replace(".10", ".77")).status_code == 200
    known.environ_base["REMOTE_ADDR"] = ABROAD
    assert sign_in_page(known, alice.email, PASSWORD).status_code == 303
    # Whoever is signed in does not notice at all.
    assert alice.get("/tasks").status_code == 200
    assert (
        alice.put("/password", {"current_password": PASSWORD, "new_password": "another good password"}).status_code
        == 204
    )
    clock.shift(3540)
    assert login(app, alice.email, "another good password", ip=ABROAD).status_code == 200


@ONE_DATABASE
@pytest.mark.proves("ASVS 6.1.1")
def test_a_neighbour_who_guesses_does_not_delay_a_known_browser_but_its_own_failures_do(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    known = browser(app)
    assert sign_in_page(known, alice.email, PASSWORD).status_code == 303
    submit(known, "/logout", form_of="/account")
    fail(app, alice.email, 5)
    for number in range(95):
        fail(app, f"user{number}@example.org", 1)
    assert waits(login(app, alice.email, PASSWORD)) > 1
    for _ in range(5):
        assert sign_in_page(known, alice.email, WRONG).status_code == 422
    assert waits(sign_in_page(known, alice.email, PASSWORD)) == 1
    clock.shift(1)
    assert sign_in_page(known, alice.email, PASSWORD).status_code == 303


def test_the_device_cookie_is_bound_to_the_account_and_cannot_be_made_up(
    app: Flask, alice: Person, bob: Person, clock: time_machine.Traveller
) -> None:
    bobs = browser(app, ip=ABROAD)
    assert sign_in_page(bobs, bob.email, PASSWORD).status_code == 303
    submit(bobs, "/logout", form_of="/account")
    genuine = cookie(bobs)
    fail(app, alice.email, 5, ip=ABROAD)
    device, code = genuine.split(".")
    forged = f"{device}.{code[:-1]}{'A' if code[-1] != 'A' else 'B'}"
    for value in (genuine, forged, f"{device}.{'A' * 43}", device, ".", "." * 500, "é", "a.b.c", "\\0", "x" * 4000):
        bobs.set_cookie("taskward_device", value)
        assert waits(sign_in_page(bobs, alice.email, PASSWORD)) == 1


def test_one_browser_is_known_to_each_of_those_who_share_it(
    app: Flask, alice: Person, bob: Person, clock: time_machine.Traveller
) -> None:
    shared = browser(app)
    for person in (alice, bob, alice):
        assert sign_in_page(shared, person.email, PASSWORD).status_code == 303
        submit(shared, "/logout", form_of="/account")
    for person in (alice, bob):
        fail(app, person.email, 5)
        assert waits(login(app, person.email, PASSWORD)) == 1
        assert sign_in_page(shared, person.email, PASSWORD).status_code == 303
        submit(shared, "/logout", form_of="/account")


@pytest.mark.parametrize(
    ("public_url", "name"), [("http://localhost", "taskward_device"), ("https://localhost", "__Host-taskward_device")]
)
def test_the_device_cookie_says_nothing_about_anybody(
    make_app: MakeApp, alice: Person, public_url: str, name: str
) -> None:
    client = make_app(PUBLIC_URL=public_url).test_client()
    page = client.get("/login", base_url=public_url).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    fields = {"csrf_token": token[1], "email": alice.email, "password": PASSWORD}
    response = client.post("/login", data=fields, base_url=public_url, headers={"Referer": public_url})
    assert response.status_code == 303
    line = next(each for each in response.headers.getlist("Set-Cookie") if each.startswith(f"{name}="))
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=34560000"):
        assert attribute in line
    assert ("Secure" in line) is public_url.startswith("https")
    assert "Domain" not in line
    assert alice.id not in line
    assert "alice" not in line
