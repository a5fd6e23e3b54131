"""Whatever is presented as an access token, the answer is 401 with error="invalid_token"."""

import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import db
from tests.forge import Forger
from tests.in_turn import in_turn
from tests.people import Person
from tests.servers import Server

Ask = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def forger(app: Flask, alice: Person) -> Forger:
    return Forger(app, alice.access_token)


@pytest.fixture
def ask(alice: Person) -> Ask:
    """Present a token; return status, challenge and problem type."""

    def present(token: str) -> tuple[int, str, str]:
        header = f"Bearer {token}"
        answer = alice.client.get(alice.url("/tasks"), headers={"Authorization": header})
        return answer.status_code, answer.headers["WWW-Authenticate"], answer.get_json()["type"]

    return present


INVALID = (401, 'Bearer realm="taskward", error="invalid_token"', "urn:taskward:problem:invalid-token")


@pytest.mark.proves("B3", "J3", "J4", "P1", "P2", "P4", "P5", "P6", "P7", "S5")
@pytest.mark.proves("ASVS 9.1.1", "ASVS 9.1.2", "ASVS 9.1.3", "ASVS 9.2.1", "ASVS 9.2.2", "ASVS 9.2.3", "ASVS 9.2.4")
@pytest.mark.proves("ASVS 10.3.1")
def test_every_hostile_token_is_401_invalid_token(forger: Forger, ask: Ask, alice: Person, bob: Person) -> None:
    other = bob.get("/sessions").get_json()["items"][0]["id"]
    hostile = forger.tokens(alice.refresh_token, other)
    assert len(hostile) > 70
    answers = {name: ask(token) for name, token in hostile.items()}
    assert {name: answer for name, answer in answers.items() if answer != INVALID} == {}
    # None of them was refused for what another had done to the sign-in.
    assert alice.get("/tasks").status_code == 200


def test_a_token_put_together_the_same_way_without_a_fault_is_good(forger: Forger, alice: Person) -> None:
    alice.access_token = forger.with_claims()
    assert alice.get("/tasks").status_code == 200


def test_a_token_of_more_than_4096_characters_is_not_even_looked_at(forger: Forger, ask: Ask, alice: Person) -> None:
    longest, longer = (forger.with_claims(padding="x" * length) for length in (2000, 4000))
    assert len(longest) < 4096 < len(longer)
    assert ask(longer) == INVALID
    alice.access_token = longest
    assert alice.get("/tasks").status_code == 200


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(token=st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=300))
def test_no_text_in_place_of_a_token_is_anything_but_401(ask: Ask, token: str) -> None:
    assert ask(token)[0] == 401


@pytest.mark.proves("P2", "ASVS 9.1.1")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_change_of_one_character_leaves_a_token_good(ask: Ask, alice: Person, data: st.DataObject) -> None:
    good = alice.access_token
    place = data.draw(st.integers(0, len(good) - 2))  # the last character has bits that nobody reads
    other = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda c: c != good[place]))
    assert ask(good[:place] + other + good[place + 1 :]) == INVALID


@pytest.mark.proves("B6", "RFC 9110 §11.1")
@in_turn("scheme", ["bearer", "BEARER", "Bearer", "beArer"])
def test_the_scheme_is_compared_without_case(alice: Person, scheme: str) -> None:
    header = {"Authorization": f"{scheme} {alice.access_token}"}
    assert alice.client.get("/api/me", headers=header).status_code == 200


@pytest.mark.proves("B1", "B2")
@in_turn("header", [None, "", "Basic YTpi", "Basic é", "Token x", "Digest username=x", "Bearer=x", ","], ids=repr)
def test_without_a_bearer_token_the_challenge_has_no_error_code(alice: Person, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = alice.client.get("/api/me", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="taskward"'
    assert response.get_json()["type"] == "urn:taskward:problem:missing-token"


@pytest.mark.proves("B5", "B6", "ASVS 14.2.1")
def test_a_token_in_the_query_string_or_the_body_is_not_looked_at(alice: Person) -> None:
    assert alice.client.get(f"/api/me?access_token={alice.access_token}").status_code == 401
    form = {"access_token": alice.access_token}
    assert alice.client.post("/api/auth/logout", data=form).status_code == 401


@pytest.mark.proves("B7", "ASVS 3.5.1")
def test_the_cookies_of_a_page_open_no_api(app: Flask, alice: Person) -> None:
    client = app.test_client()
    client.set_cookie(app.config["ACCESS_COOKIE_NAME"], alice.access_token)
    client.set_cookie(app.config["REFRESH_COOKIE_NAME"], alice.refresh_token)
    assert client.get("/api/me").status_code == 401


@pytest.mark.proves("ASVS 16.5.3")
def test_a_database_that_does_not_answer_is_503_and_never_a_yes(app: Flask, alice: Person) -> None:
    assert alice.get("/api/me").status_code == 200  # the signature is now known to be good
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE sign_ins RENAME TO elsewhere")
        try:
            response = alice.get("/api/me")
        finally:
            with db.engine.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO sign_ins")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert alice.get("/api/me").status_code == 200


def test_a_token_that_is_too_long_is_told_so_by_the_application(server: Server) -> None:
    for length in (8192, 12_000):
        request = urllib.request.Request(f"{server.url}/api/me", headers={"Authorization": f"Bearer {'x' * length}"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as answer:
            assert answer.code == 401
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
