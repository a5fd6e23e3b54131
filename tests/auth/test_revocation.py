"""Giving tokens up at the revocation endpoint (RFC 7009), and purging what is over."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.services import maintenance
from tests.auth.endpoints import error, token
from tests.conftest import Count
from tests.people import Person


@pytest.mark.proves("V1", "V3", "T12", "T14", "ASVS 7.4.1")
def test_revoking_a_refresh_token_ends_its_sign_in(client: FlaskClient, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    response = client.post("/oauth/revoke", data={"token": alice.refresh_token})
    assert (response.status_code, response.get_data()) == (200, b"")
    assert alice.get("/api/me").status_code == 401
    refreshed = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token)
    assert error(refreshed) == (400, "invalid_grant")
    assert elsewhere.get("/api/me").status_code == 200


@pytest.mark.proves("V1", "V3", "ASVS 7.4.1")
def test_revoking_an_access_token_blocks_it_alone(client: FlaskClient, alice: Person, count: Count) -> None:
    for _ in range(2):
        assert client.post("/oauth/revoke", data={"token": alice.access_token}).status_code == 200
    assert count("blocked_tokens") == 1
    assert alice.get("/api/me").status_code == 401
    refreshed = token(client, grant_type="refresh_token", refresh_token=alice.refresh_token)
    assert refreshed.status_code == 200
    alice.access_token = refreshed.get_json()["access_token"]
    assert alice.get("/api/me").status_code == 200


@pytest.mark.proves("V5")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_a_wrong_hint_does_not_matter(client: FlaskClient, alice: Person, hint: str) -> None:
    form = {"token": alice.refresh_token, "token_type_hint": hint}
    assert client.post("/oauth/revoke", data=form).status_code == 200
    assert alice.get("/api/me").status_code == 401


@pytest.mark.proves("V4")
@pytest.mark.parametrize("raw", ["junk", "a.b.c", "é", "x" * 9000])
def test_revoking_what_is_no_token_is_200(client: FlaskClient, app: Flask, raw: str) -> None:
    assert client.post("/oauth/revoke", data={"token": raw}).status_code == 200


@pytest.mark.proves("V1")
def test_revoking_without_a_token_is_invalid_request(client: FlaskClient, app: Flask) -> None:
    assert error(client.post("/oauth/revoke", data={})) == (400, "invalid_request")


def test_purging_deletes_what_has_expired_and_nothing_else(app: Flask, client: FlaskClient, alice: Person) -> None:
    client.post("/oauth/revoke", data={"token": alice.access_token})
    alice.another_sign_in()
    with app.app_context():
        nothing = {"blocked_tokens": 0, "sessions": 0, "signing_keys": 0, "login_throttles": 0}
        assert maintenance.run(maintenance.TOKENS) == nothing
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=17)):
            assert maintenance.run(maintenance.TOKENS) == nothing | {"blocked_tokens": 1}
        with time_machine.travel(datetime.now(UTC) + timedelta(days=61)):
            assert maintenance.run(maintenance.TOKENS) == nothing | {"sessions": 2}
