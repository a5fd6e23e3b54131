"""Checks that stand behind others: each is looked at where the one before it does not help."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.extensions import db
from app.services import passwords
from app.services.clients import FIRST_PARTY
from tests.auth.guesses import fail, login, waits
from tests.backups import POSTGRESQL
from tests.conftest import ONE_DATABASE, STRICT_DATABASE, Count, MakeApp
from tests.locks import wait_until_waiting
from tests.oauth_clients import register
from tests.pages import Browser
from tests.people import PASSWORD, Person, make_person

NEW = "a lantern beneath the stairs"


def execute(app: Flask, statement: str, **values: object) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(statement), values)


def stored_hash(app: Flask) -> str:
    with app.app_context(), db.read() as connection:
        return str(connection.execute(text("SELECT password_hash FROM users")).scalar_one())


def by_signing_in(person: Person) -> TestResponse:
    return person.client.post("/api/auth/login", json={"email": person.email, "password": PASSWORD})


def by_giving_it_again(person: Person) -> TestResponse:
    return person.post("/reauthenticate", {"password": PASSWORD})


def by_changing_it(person: Person) -> TestResponse:
    return person.put("/password", {"current_password": PASSWORD, "new_password": NEW})


@pytest.mark.parametrize("use", [by_signing_in, by_giving_it_again, by_changing_it])
def test_a_password_that_is_replaced_while_it_is_checked_does_not_count(
    make_app: MakeApp, count: Count, use: Callable[[Person], TestResponse]
) -> None:
    slow = make_app(ARGON2_TIME_COST="40")
    person = make_person(slow, "alice@example.org")
    with slow.app_context():
        replacement = passwords.hash_password(NEW)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(use, person)
        until = monotonic() + 10
        while not count("login_throttles"):  # it is counted, and then hashed
            assert monotonic() < until
            sleep(0.001)
        execute(slow, "UPDATE users SET password_hash = :new", new=replacement)
        assert not answer.done()
        refused = answer.result()
    assert (refused.status_code, "token" in refused.text) == (401 if use is by_signing_in else 403, False)
    assert stored_hash(slow) == replacement
    assert count("sign_ins") == 1


def test_a_disabled_account_gets_nowhere_by_a_sign_in_that_is_left(app: Flask, alice: Person) -> None:
    execute(app, "UPDATE users SET disabled_at = :now", now=datetime.now(UTC).isoformat())
    assert alice.get("/tasks").status_code == 401
    refused = app.test_client().post("/api/auth/refresh", json={"refresh_token": alice.refresh_token})
    assert refused.status_code == 401
    resource_server = register(app, introspects=True)
    client = register(app)
    program = client.signed_in(alice)
    assert resource_server.introspect(program.access_token) == {"active": False}
    assert client.introspect(program.refresh_token) == {"active": False}


def test_a_refresh_token_says_itself_that_it_ends_with_the_sign_in(app: Flask, alice: Person) -> None:
    start, token = datetime.now(UTC), alice.refresh_token
    for day in (25, 50, 75):
        with time_machine.travel(start + timedelta(days=day)):
            token = (
                app.test_client().post("/api/auth/refresh", json={"refresh_token": token}).get_json()["refresh_token"]
            )
    ends = datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], tz=UTC)
    assert ends <= start + timedelta(days=90, seconds=1)


@pytest.mark.parametrize("own", ["ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME"])
def test_of_two_cookies_of_two_sign_ins_nobody_is_told_who_is_signed_in(
    app: Flask, alice: Person, bob: Person, own: str
) -> None:
    browser = Browser(app, alice)
    alone = browser.get("/session").get_json()
    browser.keep(own, Browser(app, bob).cookie(own))
    assert alone["user_id"] == alice.id
    assert browser.get("/session").get_json().get("user_id") is None


def test_the_tokens_of_an_action_outlive_those_that_were_renewed_on_the_way_to_it(app: Flask, alice: Person) -> None:
    browser = Browser(app, alice)
    form_token = browser.form_token("/account")
    browser.client.delete_cookie(app.config["ACCESS_COOKIE_NAME"], domain="127.0.0.1")
    typed = {"csrf_token": form_token, "current_password": PASSWORD, "new_password": NEW}
    assert browser.send("/account/password", typed, "/account").status_code == 303
    assert browser.get("/tasks").status_code == 200


def test_signing_out_in_the_browser_ends_no_sign_in_of_a_program_whose_token_was_put_there(
    app: Flask, alice: Person
) -> None:
    browser = Browser(app)
    browser.keep("ACCESS_COOKIE_NAME", alice.access_token)
    browser.keep("REFRESH_COOKIE_NAME", alice.refresh_token)
    assert browser.post("/logout", "/login").status_code == 303
    assert alice.get("/tasks").status_code == 200


def test_changing_the_password_counts_as_having_given_it(alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert alice.get("/export").status_code == 401
        assert by_changing_it(alice).status_code == 204
        assert alice.get("/export").status_code == 200


def test_failures_count_as_long_as_no_day_is_quiet(app: Flask, alice: Person, clock: time_machine.Traveller) -> None:
    fail(app, alice.email, 4)
    for _ in range(2):
        clock.shift(timedelta(hours=20))
        fail(app, alice.email, 1)
        assert waits(login(app, alice.email)) > 0


def test_the_right_password_as_the_fiftieth_attempt_blocks_nobody(app: Flask, alice: Person) -> None:
    for number in range(49):
        fail(app, alice.email, 1, f"10.0.{number}.1")
    assert login(app, alice.email, PASSWORD, "10.0.49.1").status_code == 200
    fail(app, alice.email, 1, "10.0.50.1")
    assert waits(login(app, alice.email, ip="10.0.51.1")) > 0


def test_a_revoked_token_is_refused_as_long_as_clocks_may_differ_whatever_upkeep_deletes(
    app: Flask, alice: Person, count: Count
) -> None:
    form = {"token": alice.access_token, "client_id": FIRST_PARTY.id}
    assert app.test_client().post("/oauth/revoke", data=form).status_code == 200
    ends = jwt.decode(alice.access_token, options={"verify_signature": False})["exp"]
    with time_machine.travel(datetime.fromtimestamp(ends + 3, tz=UTC)):
        assert app.test_cli_runner().invoke(args=["maintenance", "run"]).exit_code == 0
        assert alice.get("/tasks").status_code == 401
        assert alice.another_sign_in().get("/tasks").status_code == 200
    with time_machine.travel(datetime.fromtimestamp(ends + 120, tz=UTC)):
        assert app.test_cli_runner().invoke(args=["maintenance", "run"]).exit_code == 0
    assert count("blocked_tokens") == 0


@pytest.mark.parametrize("grace", ["0", "30"])
def test_a_rotation_in_the_future_prolongs_no_grace_period(make_app: MakeApp, alice: Person, grace: str) -> None:
    client = make_app(REFRESH_GRACE=grace).test_client()
    used = {"refresh_token": alice.refresh_token}
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        assert client.post("/api/auth/refresh", json=used).status_code == 200
    assert client.post("/api/auth/refresh", json=used).status_code == 401


def test_reading_goes_on_where_being_seen_cannot_be_noted(
    make_app: MakeApp, alice: Person, read_only: dict[str, str]
) -> None:
    client = make_app(**read_only).test_client()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert client.get(alice.url("/tasks"), headers=alice.bearer()).status_code == 200


@POSTGRESQL
def test_reading_does_not_wait_for_whoever_holds_the_sign_in(app: Flask, alice: Person) -> None:
    with app.app_context(), db.engine.connect() as elsewhere:
        elsewhere.execute(text("SELECT id FROM sign_ins FOR UPDATE"))
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
            began = monotonic()
            assert alice.get("/tasks").status_code == 200
            assert monotonic() - began < 5  # it would be let go of after 10


@ONE_DATABASE
def test_reading_does_not_wait_for_whoever_writes_to_sqlite(app: Flask, alice: Person) -> None:
    later = time_machine.travel(datetime.now(UTC) + timedelta(minutes=2))
    with app.app_context(), db.engine.begin(), later:  # takes the lock
        began = monotonic()
        assert alice.get("/tasks").status_code == 200
        assert monotonic() - began < 5  # it would be let go of after 10
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert alice.get("/tasks").status_code == 200
        [sign_in] = alice.get("/sessions").get_json()["items"]
        assert datetime.fromisoformat(sign_in["last_seen_at"]) > datetime.now(UTC) - timedelta(seconds=30)


@STRICT_DATABASE
@pytest.mark.parametrize(
    ("path", "body", "event"),
    [
        ("/password", {"current_password": PASSWORD, "new_password": NEW}, "authn_password_change_fail"),
        ("/reauthenticate", {"password": PASSWORD}, "authn_reauthentication_fail"),
    ],
)
def test_a_password_that_is_no_longer_right_when_it_was_checked_is_wrong_and_noted(
    app: Flask, alice: Person, count: Count, path: str, body: dict[str, str], event: str
) -> None:
    send = alice.put if path == "/password" else alice.post
    with ThreadPoolExecutor(1) as pool, app.app_context():
        with db.engine.begin() as elsewhere:
            elsewhere.execute(text("UPDATE users SET password_hash = :other"), {"other": passwords.hash_password(NEW)})
            answer = pool.submit(send, path, body)
            wait_until_waiting(1)
        assert answer.result().status_code == 403
    assert count(f"security_events WHERE event = '{event}'") == 1
