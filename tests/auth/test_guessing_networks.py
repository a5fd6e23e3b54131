"""Guessing passwords: what counts as one network, and how much one may fail whatever the accounts."""

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.services.known_devices import network_of
from tests.auth.guesses import ABROAD, HOME, WRONG, fail, login, waits
from tests.conftest import ONE_DATABASE, MakeApp
from tests.people import PASSWORD, Person


@pytest.mark.proves("ASVS 6.3.1")
def test_a_network_may_fail_a_hundred_times_an_hour_whatever_the_accounts(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    for number in range(100):
        fail(app, f"user{number}@example.org", 1, ip=f"192.0.2.{number}")
    assert waits(login(app, alice.email, PASSWORD)) == 3600
    assert waits(login(app, "yet.another@example.org")) == 3600
    assert login(app, alice.email, PASSWORD, ip=ABROAD).status_code == 200
    clock.shift(3600)
    assert login(app, alice.email, PASSWORD).status_code == 200


@ONE_DATABASE
@pytest.mark.proves("CVE-2026-29794", "ASVS 4.1.3")
@pytest.mark.parametrize(
    ("hops", "header", "counted"),
    [
        ("0", "203.0.113.{n}", HOME),
        ("0", "203.0.113.{n}, 203.0.{n}.5", HOME),
        ("1", "198.51.{n}.1, 203.0.113.9", "203.0.113.9"),
        ("1", "198.51.{n}.1,garbage{n}", ""),
        ("2", "203.0.113.9", HOME),
    ],
)
def test_only_the_hops_that_are_ours_say_where_a_guess_comes_from(
    make_app: MakeApp, alice: Person, clock: time_machine.Traveller, hops: str, header: str, counted: str
) -> None:
    app = make_app(PROXY_HOPS=hops)
    statuses = []
    for n in range(1, 7):
        response = app.test_client().post(
            "/api/auth/login",
            json={"email": alice.email, "password": WRONG},
            headers={
                "X-Forwarded-For": header.format(n=n),
                "X-Real-IP": f"203.0.{n}.1",
                "Forwarded": f"for=203.0.{n}.1",
                "Client-IP": f"203.0.{n}.1",
            },
            environ_overrides={"REMOTE_ADDR": HOME},
        )
        statuses.append(response.status_code)
    assert statuses == [401] * 5 + [429]
    with app.app_context(), db.read() as connection:
        query = text("SELECT DISTINCT ip FROM security_events WHERE event = 'authn_login_fail'")
        assert connection.execute(query).scalars().all() == [counted]


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("64:ff9b::192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", ""),
        ("1.2.3.4:5678", ""),
    ],
)
def test_a_network_is_what_one_subscriber_has(ip: str, network: str) -> None:
    assert network_of(ip) == network


def test_a_whole_ipv6_subscriber_is_one_guesser(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    for number in range(5):
        fail(app, alice.email, 1, ip=f"2001:db8:1:2::{number + 1:x}")
    assert waits(login(app, alice.email, ip="2001:db8:1:2:ffff::1")) == 1
    assert login(app, alice.email, PASSWORD, ip="2001:db8:1:3::1").status_code == 200
