"""The key ring: every algorithm end to end, what is published of it, and how the database holds it."""

import base64
import json
from collections.abc import Callable, Iterator

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.services import keys
from tests.conftest import MakeApp
from tests.key_ring import ASYMMETRIC, JWKS, kid_of, public_keys, rotate, statuses, verified_by_an_outsider
from tests.people import Person


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
