"""Guessing passwords: who has to wait, for how long, and who never has to."""

import html
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from math import log2
from time import monotonic

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade  # noqa: F401 - Alembic must be loaded before time stands still
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.extensions import db
from app.services.known_devices import network_of
from tests.auth.test_workers import call
from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.people import PASSWORD, Person
from tests.servers import Server

WRONG = "not the right password"
HOME, ABROAD = "192.0.2.10", "198.51.100.20"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time that stands still until it is moved."""
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


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


def networks() -> Iterator[str]:
    """Yield addresses of which no two share a network."""
    for second, third in itertools.product(range(256), range(256)):
        yield f"10.{second}.{third}.1"


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


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("taskward_device")
    assert found
    return found.value


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


def test_sign_ins_that_succeed_use_up_nothing(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    for _ in range(3):
        assert login(app, alice.email, PASSWORD).status_code == 200
    with app.app_context(), db.read() as connection:
        assert set(connection.execute(text("SELECT failures FROM login_throttles")).scalars()) == {0}


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
