"""The key ring: every algorithm end to end, a key's life from rotation to purge, and what is published of it."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.services import keys
from tests.conftest import Count, MakeApp
from tests.forge import Forger
from tests.key_ring import ASYMMETRIC, JWKS, command, kid_of, public_keys, rotate, statuses, verified_by_an_outsider
from tests.people import Person

After = Callable[[float], AbstractContextManager[object]]
#: ACCESS_TOKEN_TTL, leeway and slack: how long a key verifies after another has taken over.
LIFETIME = 900 + 5 + 30


@pytest.fixture
def after() -> After:
    """Stand still so many seconds after the start of the test."""
    start = datetime.now(UTC)
    return lambda seconds: time_machine.travel(start + timedelta(seconds=seconds), tick=False)


@pytest.fixture
def sealed(app: Flask) -> Iterator[Callable[[], dict[str, str]]]:
    """Read the private keys as they are in the database, by kid."""

    def read() -> dict[str, str]:
        with app.app_context(), db.read() as connection:
            rows = connection.execute(text("SELECT kid, sealed FROM signing_keys"))
            return {row.kid: row.sealed for row in rows}

    return read


@pytest.mark.proves("J1", "P3", "ASVS 9.1.2", "RFC 7518 §3.2")
def test_without_any_configuration_hs256_signs_and_nothing_is_published(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    header = jwt.get_unverified_header(alice.access_token)
    assert header == {"alg": "HS256", "typ": "at+jwt", "kid": header["kid"]}
    assert statuses(app) == {header["kid"]: "signing"}
    response = client.get(JWKS)
    assert (response.status_code, response.get_json()) == (200, {"keys": []})


@pytest.mark.proves("J1", "J3", "P1", "RFC 7517 §5", "RFC 8414 §2", "ASVS 9.1.3")
@pytest.mark.parametrize(("algorithm", "alg"), ASYMMETRIC.items())
def test_a_token_of_an_asymmetric_key_is_good_here_and_for_whoever_reads_the_published_key(
    app: Flask, alice: Person, algorithm: str, alg: str
) -> None:
    kid = rotate(app, algorithm, "--now")
    person = alice.another_sign_in()
    assert jwt.get_unverified_header(person.access_token) == {"alg": alg, "kid": kid, "typ": "at+jwt"}
    assert [person.get("/tasks").status_code for _ in range(2)] == [200, 200]
    assert verified_by_an_outsider(app, person)["sub"] == alice.id


def test_a_new_hs256_key_signs_and_stays_private(app: Flask, alice: Person) -> None:
    kid = rotate(app, "HS256", "--now")
    person = alice.another_sign_in()
    assert (kid_of(person.access_token), person.get("/tasks").status_code) == (kid, 200)
    assert public_keys(app) == []


@pytest.mark.proves("ASVS 9.1.3", "RFC 7517 §4", "RFC 7638")
def test_only_the_public_members_are_published(app: Flask, client: FlaskClient, alice: Person) -> None:
    kids = {algorithm: rotate(app, algorithm, "--now") for algorithm in (*ASYMMETRIC, "HS256")}
    response = client.get(JWKS)
    published = {each["kid"]: each for each in response.get_json()["keys"]}
    common = {"kty", "use", "alg", "kid"}
    assert {kid: set(each) - common for kid, each in published.items()} == {
        kids["RS256"]: {"n", "e"},
        kids["ES256"]: {"crv", "x", "y"},
        kids["Ed25519"]: {"crv", "x"},
    }
    assert {each["use"] for each in published.values()} == {"sig"}
    assert [published[kids[algorithm]]["alg"] for algorithm in ASYMMETRIC] == list(ASYMMETRIC.values())
    assert len(base64.urlsafe_b64decode(published[kids["RS256"]]["n"] + "==")) * 8 >= 3072
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.mimetype == "application/jwk-set+json"


@pytest.mark.proves("P6", "T15", "RFC 8725 §3.12")
def test_refresh_tokens_have_a_key_of_their_own_that_never_changes_and_is_not_in_the_ring(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    kid = kid_of(alice.refresh_token)
    rotate(app, "ES256", "--now")
    pair = client.post("/api/auth/refresh", json={"refresh_token": alice.refresh_token}).get_json()
    header = jwt.get_unverified_header(pair["refresh_token"])
    assert header == {"alg": "HS256", "kid": kid, "typ": "rt+jwt"}
    assert jwt.get_unverified_header(pair["access_token"])["alg"] == "ES256"
    assert kid not in statuses(app)


def test_a_repeated_refresh_gets_the_same_successor_whatever_signs(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    first, second = [], []
    for answers in (first, second):
        pair = client.post("/api/auth/refresh", json={"refresh_token": alice.refresh_token}).get_json()
        answers += [pair["refresh_token"], jwt.decode(pair["access_token"], options={"verify_signature": False})]
        rotate(app, "ES256", "--now")
    assert first == second


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


@pytest.mark.proves("ASVS 13.3.1", "ASVS 11.3.2")
def test_the_database_holds_no_private_key_in_clear(
    app: Flask, sealed: Callable[[], dict[str, str]], alice: Person
) -> None:
    for algorithm in (*ASYMMETRIC, "HS256"):
        rotate(app, algorithm, "--now")
    with app.app_context():
        ring = keys.ring().accepted
    for kid, box in sealed().items():
        raw = base64.b64decode(box)
        secret = ring[kid].signing._jwk_data.get("d") or ring[kid].signing._jwk_data["k"]
        assert not any(clear in raw for clear in (b"kty", b'"d"', b'"k"', secret.encode()))
        assert secret not in box
        assert secret not in repr(ring[kid])


@pytest.mark.proves("P1", "ASVS 11.3.2")
@pytest.mark.parametrize("change", ["kid", "algorithm", "sealed"])
def test_a_row_that_was_tampered_with_is_ignored(app: Flask, alice: Person, change: str) -> None:
    first, kid = kid_of(alice.access_token), rotate(app, "HS256", "--now")
    value = {"kid": "k" * 43, "algorithm": "RS256", "sealed": "not even base64"}[change]
    with app.app_context():
        with db.engine.begin() as connection:
            connection.execute(text(f"UPDATE signing_keys SET {change} = :value"), {"value": value})  # noqa: S608
        keys.forget()
    assert kid_of(alice.another_sign_in().access_token) == first
    assert alice.get("/tasks").status_code == 200
    result = app.test_cli_runner().invoke(args=["keys", "list", "--json"])
    status = {each["kid"]: each["status"] for each in json.loads(result.stdout)["items"]}
    assert (result.exit_code, status) == (4, {first: "signing", value if change == "kid" else kid: "unreadable"})


def test_under_another_secret_key_the_keys_are_ignored_and_this_is_said_once(
    app: Flask, make_app: MakeApp, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    kid = rotate(app, "ES256", "--now")
    stranger = alice.another_sign_in()
    changed = make_app(SECRET_KEY="another secret key of at least thirty-two characters")
    capsys.readouterr()
    alice.app = changed
    fresh = alice.another_sign_in()
    assert jwt.get_unverified_header(fresh.access_token)["alg"] == "HS256"
    stranger.app = changed
    for _ in range(3):
        assert (fresh.get("/tasks").status_code, stranger.get("/tasks").status_code) == (200, 401)
        assert changed.test_client().get(JWKS).get_json() == {"keys": []}
        with changed.app_context():
            keys.forget()
    refreshed = changed.test_client().post("/api/auth/refresh", json={"refresh_token": stranger.refresh_token})
    assert refreshed.status_code == 401
    complaints = [line for line in capsys.readouterr().err.splitlines() if "another SECRET_KEY" in line]
    assert [json.loads(line)["kid"] for line in complaints] == [kid]


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
