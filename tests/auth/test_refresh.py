"""Rotation of refresh tokens, grace, and what reuse costs; through the JSON API and the token endpoint alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import Count, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person, make_person, signed_in

Refresh = Callable[[Flask, str], TestResponse]


def by_api(app: Flask, token: str) -> TestResponse:
    return app.test_client().post("/api/auth/refresh", json={"refresh_token": token})


def by_oauth(app: Flask, token: str) -> TestResponse:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return app.test_client().post("/oauth/token", data=form)


@pytest.fixture(params=[by_api, by_oauth], ids=["api", "oauth"])
def refresh(request: pytest.FixtureRequest) -> Refresh:
    """Both ways to refresh; they must not differ."""
    way: Refresh = request.param
    return way


def refused(response: TestResponse) -> bool:
    if response.status_code == 400:
        return bool(response.get_json()["error"] == "invalid_grant")
    return response.status_code == 401 and response.get_json()["type"] == "urn:taskward:problem:invalid-grant"


def works(person: Person) -> bool:
    return person.get("/api/me").status_code == 200


@pytest.mark.proves("T6", "T16")
def test_refreshing_gives_a_new_pair_that_works(app: Flask, refresh: Refresh, alice: Person) -> None:
    response = refresh(app, alice.refresh_token)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert body["refresh_token"] != alice.refresh_token
    assert body["access_token"] != alice.access_token
    alice.access_token = body["access_token"]
    assert works(alice)
    assert refresh(app, body["refresh_token"]).status_code == 200


@pytest.mark.proves("ASVS 10.4.5")
def test_the_token_before_gets_the_very_same_successor_within_the_grace_period(
    app: Flask, refresh: Refresh, alice: Person
) -> None:
    first = refresh(app, alice.refresh_token).get_json()
    again = refresh(app, alice.refresh_token).get_json()
    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] == first["access_token"]


@pytest.mark.proves("T14", "T16", "S4", "ASVS 10.4.5")
def test_the_token_before_is_reuse_after_the_grace_period(app: Flask, refresh: Refresh, alice: Person) -> None:
    pair = refresh(app, alice.refresh_token).get_json()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31)):
        assert refused(refresh(app, alice.refresh_token))
        assert refused(refresh(app, pair["refresh_token"]))
        alice.access_token = pair["access_token"]
        assert not works(alice)


@pytest.mark.proves("T16", "ASVS 10.4.5")
def test_without_a_grace_period_every_second_use_is_reuse(make_app: MakeApp, refresh: Refresh, alice: Person) -> None:
    strict = make_app(REFRESH_GRACE="0")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        pair = refresh(strict, alice.refresh_token).get_json()
        clock.shift(timedelta(milliseconds=1))
        assert refused(refresh(strict, alice.refresh_token))
        assert refused(refresh(strict, pair["refresh_token"]))


@pytest.mark.proves("T16", "S4", "ASVS 10.4.5", "RFC 9700 §4.14.2")
def test_a_token_two_behind_ends_that_sign_in_and_no_other(
    app: Flask, refresh: Refresh, alice: Person, bob: Person
) -> None:
    elsewhere = alice.another_sign_in()
    second = refresh(app, alice.refresh_token).get_json()
    third = refresh(app, second["refresh_token"]).get_json()
    assert refused(refresh(app, alice.refresh_token))
    assert refused(refresh(app, third["refresh_token"]))
    alice.access_token = third["access_token"]
    assert not works(alice)
    assert works(elsewhere)
    assert works(bob)
    assert refresh(app, elsewhere.refresh_token).status_code == 200


@pytest.mark.proves("ASVS 16.3.3")
def test_reuse_is_in_the_event_log(app: Flask, refresh: Refresh, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    second = refresh(app, alice.refresh_token).get_json()
    refresh(app, second["refresh_token"])
    refresh(app, alice.refresh_token)
    events = [each["event"] for each in elsewhere.get("/events").get_json()["items"]]
    assert "authn_token_reuse" in events


@pytest.mark.proves("S4", "ASVS 7.3.1")
def test_an_idle_sign_in_ends(app: Flask, refresh: Refresh, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=30, minutes=1)):
        assert refused(refresh(app, alice.refresh_token))


@pytest.mark.proves("ASVS 7.3.2", "ASVS 10.4.8")
def test_refreshing_does_not_prolong_a_sign_in_beyond_its_absolute_end(
    app: Flask, refresh: Refresh, alice: Person
) -> None:
    start, token = datetime.now(UTC), alice.refresh_token
    for day in (25, 50, 75):
        with time_machine.travel(start + timedelta(days=day)):
            token = refresh(app, token).get_json()["refresh_token"]
    with time_machine.travel(start + timedelta(days=89, hours=23, minutes=59)):
        response = refresh(app, token).get_json()
        assert response["expires_in"] <= 60
    with time_machine.travel(start + timedelta(days=90, seconds=10)):
        assert refused(refresh(app, response["refresh_token"]))


@pytest.mark.proves("T12", "ASVS 7.4.2")
def test_a_deleted_account_cannot_refresh(app: Flask, refresh: Refresh, alice: Person) -> None:
    assert alice.delete("", {"password": PASSWORD}).status_code == 204
    assert refused(refresh(app, alice.refresh_token))


@pytest.mark.proves("T12", "T14", "ASVS 7.4.2")
@pytest.mark.parametrize("grace", ["0", "30"])
def test_a_disabled_account_cannot_refresh(make_app: MakeApp, refresh: Refresh, alice: Person, grace: str) -> None:
    app = make_app(REFRESH_GRACE=grace)
    app.test_cli_runner().invoke(args=["users", "disable", alice.email])
    assert refused(refresh(app, alice.refresh_token))
    app.test_cli_runner().invoke(args=["users", "enable", alice.email])
    assert refused(refresh(app, alice.refresh_token))


@pytest.mark.proves("P6", "T14", "ASVS 9.2.2")
def test_an_access_token_is_no_refresh_token(app: Flask, refresh: Refresh, alice: Person) -> None:
    assert refused(refresh(app, alice.access_token))
    assert works(alice)


@pytest.mark.proves("T12", "T14")
def test_the_refresh_token_of_a_browser_is_good_in_no_api(app: Flask, refresh: Refresh) -> None:
    person = make_person(app, "dora@example.org")
    browser = signed_in(app, person.email, "web", "taskward-pages")
    assert refused(refresh(app, browser.refresh_token))
    assert works(browser)


@pytest.mark.proves("T14", "T15")
@in_turn("token", ["", "junk", "a.b.c", "é" * 50, "x" * 8000, "\0", "..", "null"])
def test_a_malformed_refresh_token_is_refused(app: Flask, refresh: Refresh, token: str, alice: Person) -> None:
    response = refresh(app, token)
    assert response.status_code in (400, 401)
    assert response.status_code == 401 or response.get_json()["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.proves("T16", "ASVS 10.4.5")
def test_threads_presenting_one_refresh_token_at_once_get_one_successor(
    app: Flask, alice: Person, count: Count
) -> None:
    for _ in range(10):
        token = alice.refresh_token
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, token=token: by_api(app, token), range(8)))
        assert {answer.status_code for answer in answers} == {200}
        successors = {answer.get_json()["refresh_token"] for answer in answers}
        assert len(successors) == 1
        alice.refresh_token = successors.pop()
    assert count("sign_ins") == 1


def by_signing_out(app: Flask, device: Person) -> TestResponse:
    return device.post("/api/auth/logout")


def by_revoking(app: Flask, device: Person) -> TestResponse:
    return app.test_client().post("/oauth/revoke", data={"token": device.refresh_token})


@pytest.mark.proves("V3", "ASVS 7.4.1", "RFC 7009 §2.1")
@pytest.mark.parametrize("end", [by_signing_out, by_revoking], ids=lambda way: way.__name__)
def test_refreshing_while_the_sign_in_is_ended_leaves_nothing_usable(
    app: Flask, alice: Person, end: Callable[[Flask, Person], TestResponse]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            device = alice.another_sign_in()
            refreshing = pool.submit(by_api, app, device.refresh_token)
            ending = pool.submit(end, app, device)
            assert ending.result().status_code in (200, 204)
            answer = refreshing.result()
            assert not works(device)
            if answer.status_code == 200:
                device.access_token = answer.get_json()["access_token"]
                assert not works(device)
                assert refused(by_api(app, answer.get_json()["refresh_token"]))


@pytest.mark.proves("J1", "J2", "P6")
def test_the_tokens_say_what_the_profile_for_access_tokens_asks(app: Flask, alice: Person) -> None:
    header = jwt.get_unverified_header(alice.access_token)
    claims = jwt.decode(alice.access_token, options={"verify_signature": False})
    assert (header["typ"], header["alg"]) == ("at+jwt", "HS256")
    assert {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "sid", "scope", "auth_time"} <= claims.keys()
    assert claims["sub"] == alice.id
    assert claims["exp"] - claims["iat"] == 900
    header = jwt.get_unverified_header(alice.refresh_token)
    claims = jwt.decode(alice.refresh_token, options={"verify_signature": False})
    assert header["typ"] == "rt+jwt"
    assert {"sid", "seq"} <= claims.keys()
    assert claims["exp"] - claims["iat"] == 30 * 86400
