"""A key's life: published, signing, superseded, retired, purged; and when each process learns of it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from click.testing import Result
from flask import Flask

from tests.conftest import Count, MakeApp
from tests.forge import Forger
from tests.key_ring import command, kid_of, public_keys, rotate, statuses
from tests.people import Person

After = Callable[[float], AbstractContextManager[object]]
#: ACCESS_TOKEN_TTL, leeway and slack: how long a key verifies after another has taken over.
LIFETIME = 900 + 5 + 30


@pytest.fixture
def after() -> After:
    """Stand still so many seconds after the start of the test."""
    start = datetime.now(UTC)
    return lambda seconds: time_machine.travel(start + timedelta(seconds=seconds), tick=False)


def test_a_new_key_is_published_at_once_and_signs_when_everybody_has_had_time_to_fetch_it(
    app: Flask, alice: Person, after: After
) -> None:
    first = kid_of(alice.access_token)
    with after(0):
        new = rotate(app, "Ed25519")
        assert [each["kid"] for each in public_keys(app)] == [new]
        assert statuses(app) == {first: "signing", new: "next"}
    with after(119):
        assert kid_of(alice.another_sign_in().access_token) == first
    with after(126):
        assert kid_of(alice.another_sign_in().access_token) == new
        assert statuses(app) == {first: "verifying", new: "signing"}
        assert alice.get("/tasks").status_code == 200


@pytest.mark.proves("J3", "ASVS 9.1.3")
def test_a_superseded_key_verifies_until_its_last_token_has_expired_and_not_after(
    app: Flask, alice: Person, after: After
) -> None:
    with after(0):
        old = rotate(app, "ES256", "--now")
        alice = alice.another_sign_in()
        forger = Forger(app, alice.access_token)
    with after(1):
        rotate(app, "Ed25519", "--now")
    with after(899):
        assert alice.get("/tasks").status_code == 200
    # No honest token lives longer than its key; one forged with the old key tells whether the key is still believed.
    alice.access_token = forger.with_claims(exp=forger.claims["exp"] + 86400)
    with after(LIFETIME):
        assert alice.get("/tasks").status_code == 200
        assert old in {each["kid"] for each in public_keys(app)}
    with after(LIFETIME + 6):
        assert alice.get("/tasks").status_code == 401
        assert old not in {each["kid"] for each in public_keys(app)}
        assert statuses(app)[old] == "expired"


def test_the_first_key_stops_being_believed_when_its_last_token_has_expired(
    app: Flask, alice: Person, after: After
) -> None:
    forger = Forger(app, alice.access_token)
    alice.access_token = forger.with_claims(exp=forger.claims["exp"] + 86400)
    with after(0):
        rotate(app, "HS256", "--now")
        assert alice.get("/tasks").status_code == 200
    with after(LIFETIME + 1):
        assert alice.get("/tasks").status_code == 401
        assert kid_of(alice.access_token) not in statuses(app)


def test_purging_removes_keys_whose_tokens_have_all_expired_and_no_other(
    app: Flask, alice: Person, after: After, count: Count
) -> None:
    with after(0):
        kids = [rotate(app, "ES256", "--now")]
    with after(10):
        kids += [rotate(app, "ES256", "--now"), rotate(app, "ES256")]
        command(app, "retire", rotate(app, "ES256"))
    purge = ["tokens", "purge", "--json"]
    for seconds, removed in ((10 + LIFETIME - 1, 0), (10 + LIFETIME + 1, 2), (10 + LIFETIME + 1, 0)):
        with after(seconds):
            result = app.test_cli_runner().invoke(args=purge)
            assert json.loads(result.stdout)["signing_keys"] == removed
    with after(10 + LIFETIME + 119):
        assert statuses(app) == {kids[1]: "verifying", kids[2]: "signing"}
    assert count("signing_keys") == 2


@pytest.mark.proves("J4", "ASVS 7.4.1")
def test_a_retired_key_and_its_tokens_are_refused_at_once_and_a_fresh_one_signs(app: Flask, alice: Person) -> None:
    compromised = rotate(app, "ES256", "--now")
    person = alice.another_sign_in()
    assert person.get("/tasks").status_code == 200  # its signature is now remembered
    told = command(app, "retire", compromised)
    response = person.get("/tasks")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="taskward", error="invalid_token"'
    assert [(each["kid"], each["alg"]) for each in public_keys(app)] == [(told["signing"], "ES256")]
    assert kid_of(alice.another_sign_in().access_token) == told["signing"]
    refreshed = app.test_client().post("/api/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 200  # nobody has to sign in again


def test_retiring_a_key_that_waits_or_is_superseded_changes_nothing_else(app: Flask, alice: Person) -> None:
    old, signer, waiting = rotate(app, "ES256", "--now"), rotate(app, "ES256", "--now"), rotate(app, "ES256")
    for kid in (old, waiting):
        assert command(app, "retire", kid)["signing"] == signer
    assert statuses(app) == {
        kid_of(alice.access_token): "verifying",
        old: "retired",
        signer: "signing",
        waiting: "retired",
    }


def test_a_retired_key_is_refused_by_every_other_process_within_five_seconds(
    app: Flask, make_app: MakeApp, alice: Person, after: After
) -> None:
    elsewhere = make_app()
    with after(0):
        kid = rotate(app, "Ed25519", "--now")
        person = alice.another_sign_in()
        person.app = elsewhere
        assert person.get("/tasks").status_code == 200
        command(app, "retire", kid)
    with after(5):
        assert person.get("/tasks").status_code == 401


def test_a_token_of_a_key_that_a_process_has_not_seen_yet_is_good_there_a_second_later(
    app: Flask, make_app: MakeApp, alice: Person, after: After
) -> None:
    elsewhere = make_app()
    with after(0):
        alice.app = elsewhere
        assert alice.get("/tasks").status_code == 200
        rotate(app, "Ed25519", "--now")
        alice.app = app
        person = alice.another_sign_in()
    with after(1):
        person.app = elsewhere
        assert person.get("/tasks").status_code == 200


@pytest.mark.proves("P5")
def test_a_flood_of_unknown_kids_asks_the_database_once_a_second(
    app: Flask, alice: Person, after: After, statements: list[str]
) -> None:
    forger = Forger(app, alice.access_token)
    for second in (10, 11):
        with after(second):
            statements.clear()
            for number in range(30):
                alice.access_token = forger.with_header(kid=f"{number}' OR 1=1 --")
                assert alice.get("/tasks").status_code == 401
            assert len([each for each in statements if "signing_keys" in each]) == 1


def test_a_verified_token_costs_no_look_at_the_keys(
    app: Flask, alice: Person, after: After, statements: list[str]
) -> None:
    with after(0):
        rotate(app, "ES256", "--now")
        person = alice.another_sign_in()
        person.get("/tasks")
        statements.clear()
        for _ in range(10):
            assert person.get("/api/me").status_code == 200
    assert len(statements) == 10  # the liveness question


def test_of_several_that_retire_the_signing_key_at_once_one_does_and_one_key_takes_over(
    app: Flask, alice: Person, count: Count
) -> None:
    for _ in range(5):
        kid, before = rotate(app, "ES256", "--now"), count("signing_keys")

        def retire(_: int, kid: str = kid) -> Result:
            return app.test_cli_runner().invoke(args=["keys", "retire", kid])

        with app.app_context(), ThreadPoolExecutor(4) as pool:
            done = list(pool.map(retire, range(4)))
        assert sorted(each.exit_code for each in done) == [0, 3, 3, 3], [each.output for each in done]
        assert count("signing_keys") == before + 1
        assert list(statuses(app).values()).count("signing") == 1
