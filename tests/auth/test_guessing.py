"""Guessing passwords: how long the wait is, how it grows and ends, and what is counted and noted of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import log2
from time import monotonic

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from tests.auth.guesses import ABROAD, HOME, WRONG, browser, events, fail, login, sign_in_page, waits
from tests.auth.workers import call
from tests.conftest import Count, MakeApp
from tests.people import PASSWORD, Person
from tests.servers import Server


@pytest.mark.proves("ASVS 6.3.1", "ASVS 6.1.1")
def test_from_the_fifth_failure_the_delay_doubles_up_to_fifteen_minutes(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    fail(app, alice.email, 5)
    delays = []
    for _ in range(12):
        delays.append(waits(login(app, alice.email)))
        clock.shift(delays[-1] - 0.5)
        assert waits(login(app, alice.email)) == 1
        clock.shift(0.5)
        fail(app, alice.email, 1)
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_success_ends_the_growing_delay(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    fail(app, alice.email, 7 - 2)
    clock.shift(1)
    assert login(app, alice.email, PASSWORD).status_code == 200
    fail(app, alice.email, 5)
    assert waits(login(app, alice.email)) == 1


def test_a_day_of_quiet_ends_the_growing_delay(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    fail(app, alice.email, 5)
    clock.shift(24 * 3600)
    fail(app, alice.email, 5)
    assert waits(login(app, alice.email)) == 1


@pytest.mark.proves("ASVS 6.3.1")
def test_the_right_password_is_refused_while_blocked_and_nothing_is_hashed(
    app: Flask, alice: Person, clock: time_machine.Traveller, count: Count
) -> None:
    fail(app, alice.email, 5)
    before = count("security_events")
    assert waits(login(app, alice.email, PASSWORD)) == 1
    assert count("security_events") == before
    assert events(app, "authn_login_success")[1:] == []


@pytest.mark.proves("ASVS 6.3.8")
def test_an_unknown_address_is_counted_and_answered_like_a_known_one(
    app: Flask, alice: Person, clock: time_machine.Traveller, statements: list[str]
) -> None:
    answers: dict[str, list[tuple[int, str | None, object]]] = {}
    asked: dict[str, list[str]] = {}
    for email in (alice.email, "nobody@example.org", "not an address"):
        answers[email], asked[email] = [], []
        for _ in range(8):
            statements.clear()
            response = login(app, email)
            body = response.get_json()
            del body["request_id"]
            answers[email].append((response.status_code, response.headers.get("Retry-After"), body))
            asked[email] += statements
    first, *others = answers.values()
    assert [status for status, *_ in first] == [401] * 5 + [429] * 3
    assert others == [first, first]
    assert len({len(each) for each in asked.values()}) == 1


def test_the_three_ways_to_sign_in_share_their_counters(
    app: Flask, make_app: MakeApp, alice: Person, clock: time_machine.Traveller
) -> None:
    fail(app, alice.email, 3)
    client = browser(make_app(OAUTH_PASSWORD_GRANT="1"))
    form = {"grant_type": "password", "username": alice.email, "password": WRONG}
    assert client.post("/oauth/token", data=form).status_code == 400
    assert sign_in_page(client, alice.email.upper(), WRONG).status_code == 422
    assert waits(login(app, alice.email)) == 1
    assert waits(sign_in_page(client, alice.email, PASSWORD)) == 1


def test_the_delay_survives_a_restart(
    app: Flask, make_app: MakeApp, alice: Person, clock: time_machine.Traveller
) -> None:
    fail(app, alice.email, 5)
    assert waits(login(make_app(), alice.email)) == 1


def test_sign_ins_that_succeed_use_up_nothing(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    for _ in range(3):
        assert login(app, alice.email, PASSWORD).status_code == 200
    with app.app_context(), db.read() as connection:
        assert set(connection.execute(text("SELECT failures FROM login_throttles")).scalars()) == {0}


@pytest.mark.proves("ASVS 16.3.3")
def test_a_block_is_one_event_when_it_begins(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    fail(app, alice.email, 5)
    for _ in range(5):
        waits(login(app, alice.email))
    clock.shift(1)
    fail(app, alice.email, 1)
    (event,) = events(app, "authn_login_lock")
    assert str(event["user_id"]).replace("-", "") == alice.id.replace("-", "")
    assert "account and network" in str(event["detail"])
    for number in range(100):
        login(app, f"user{number}@example.org")
    assert [each["user_id"] for each in events(app, "authn_login_lock")[1:]] == [None]


def test_the_table_of_counters_holds_neither_address_nor_account(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    fail(app, alice.email, 1)
    fail(app, "nobody@example.org", 1)
    with app.app_context(), db.read() as connection:
        rows = str(connection.execute(text("SELECT * FROM login_throttles")).all())
    for clear in ("alice", "nobody", HOME, "192.0.2", alice.id, alice.id.replace("-", "")):
        assert clear not in rows


def test_what_is_typed_as_an_address_cannot_pass_for_another_counter(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    for typed in (
        alice.id,
        f"id {alice.id}",
        f"and network 192.0.2.0/24 id {alice.id}",
        f"account and network 192.0.2.0/24 id {alice.id}",
    ):
        fail(app, typed, 5, ip=ABROAD)
    fail(app, alice.email, 5)


def test_purge_deletes_counters_that_are_over(
    app: Flask, alice: Person, clock: time_machine.Traveller, count: Count
) -> None:
    fail(app, alice.email, 1)
    clock.shift(3600 + 1)
    assert "and 2 login throttles" in app.test_cli_runner().invoke(args=["tokens", "purge"]).stderr
    assert count("login_throttles") == 1
    clock.shift(timedelta(days=1))
    assert "and 1 login throttle." in app.test_cli_runner().invoke(args=["tokens", "purge"]).stderr
    assert count("login_throttles") == 0


@pytest.mark.proves("ASVS 6.3.1")
def test_forty_guesses_at_once_get_no_more_tries_than_five(
    app: Flask, alice: Person, clock: time_machine.Traveller
) -> None:
    for email in (alice.email, "nobody@example.org"):
        with ThreadPoolExecutor(40) as pool:
            answers = [pool.submit(login, app, email) for _ in range(40)]
            statuses = sorted(each.result().status_code for each in answers)
        assert statuses == [401] * 5 + [429] * 35
    assert len(events(app, "authn_login_fail")) == 10
    assert len(events(app, "authn_login_lock")) == 2


@pytest.mark.proves("ASVS 6.3.1")
def test_two_workers_count_together(server: Server, app: Flask, alice: Person) -> None:
    def guess(_: int) -> int:
        return call(server, "POST", "/api/auth/login", body={"email": alice.email, "password": WRONG})[0]

    started = monotonic()
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(guess, range(40)))
    # The clock runs here: each further try needs as long as all the waiting before it, and a second more.
    allowed = 5 + int(log2(monotonic() - started + 1))
    assert set(statuses) == {401, 429}
    assert 5 <= statuses.count(401) <= allowed
    assert len(events(app, "authn_login_fail")) == statuses.count(401)
