"""Which new passwords are taken, and what is said about the others; wherever a password is set."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.services import passwords
from app.services.errors import InvalidInput
from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person
from tests.programs import ROOT

NAME, EMAIL = "Carol Danvers", "carol.d@starship.example.org"

#: As found in lists of leaked passwords, or made of them by those who are asked for twelve characters.
GUESSABLE = [
    "password1234",
    "passwordpassword",
    "password12345",
    "P@$$w0rd1234",
    "P@ssw0rd12345678",
    "PASSWORD1234".translate({n: n + 0xFEE0 for n in range(128)}),  # in wide letters
    "drowssap1234",
    "qwerty123456",
    "qwertyuiop12",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "!QAZ2wsx#EDC",
    "!@#$%^&*()_+",
    "123456789012",
    "111111111111",
    "aaaaaaaaaaaaaaaa",
    "abcdefghijkl",
    "abcabcabcabc",
    "iloveyou1234",
    "letmeinletmein",
    "trustno1trustno1",
    "Welcome2026!!",
    "Summer2026!!",
    "changeme12345",
    "monkeydragon",
    "unbelievable",
    "contortionist",
    "ThisIsMyPassword",
    "ghjatccbjyfk",  # a Russian word, on keys that show Latin letters
    "p030710p$e4o",
    "x" * 256,
    "password" * 32,
]
PERSONAL = [
    "carol.d@starship.example.org",
    "Carol Danvers!",
    "danverscarol12",
    "CAROLCAROLCAROL",
    "c@rol.d@nvers",
    "starship.example.org1",
    "taskward2026",
    "TaskwardTaskward",
]
GOOD = [
    PASSWORD,
    "zqkvhwtgpnbx",
    "my dog eats fish",
    "Xk4$vQ9!mP2@zL7#",
    "!%$#&a(/)=?x",
    "zaunkönig teppich lila",
    "колесо шепчет ночью",
    "🦊 jumps over 🐕 at noon",
    "carol sang under the purple aqueduct",
    "purple aqueduct " * 16,
]


def refusal(app: Flask, password: str, name: str = NAME) -> str | None:
    with app.app_context():
        try:
            passwords.check(password, "field", about=(name, EMAIL))
        except InvalidInput as error:
            return error.errors["field"]
    return None


@ONE_DATABASE
@pytest.mark.proves("ASVS 6.2.4", "ASVS 6.2.12")
@in_turn("password", GUESSABLE)
def test_a_guessable_password_is_refused_with_a_hint_in_plain_words(client: FlaskClient, password: str) -> None:
    body = {"email": EMAIL, "name": NAME, "password": password}
    response = client.post("/api/auth/register", json=body)
    assert response.status_code == 422
    [error] = response.get_json()["errors"]
    assert error["pointer"] == "#/password"
    assert "Add another word or two." in error["detail"]
    assert password not in error["detail"]


@ONE_DATABASE
@pytest.mark.proves("ASVS 6.2.4")
def test_none_of_the_ten_thousand_most_used_is_taken(app: Flask) -> None:
    most_used = (ROOT / "app/services/common_passwords.txt").read_text().split()
    assert len(most_used) == 10_000
    assert {refusal(app, password.upper()) is None for password in most_used} == {False}


@pytest.mark.proves("ASVS 6.2.11")
@in_turn("password", PERSONAL)
def test_ones_own_name_and_address_and_the_name_of_the_service_are_refused(client: FlaskClient, password: str) -> None:
    body = {"email": EMAIL, "name": NAME, "password": password}
    response = client.post("/api/auth/register", json=body)
    assert response.status_code == 422
    assert "your name, your address" in response.get_json()["errors"][0]["detail"]


@pytest.mark.proves("ASVS 6.2.11")
def test_the_name_of_the_host_is_refused(make_app: MakeApp) -> None:
    app = make_app(PUBLIC_URL="https://chores.spaceport.net")
    assert refusal(app, "chores.spaceport.net") is not None
    assert refusal(app, "Spaceport1234") is not None


@pytest.mark.proves("ASVS 6.2.5", "ASVS 6.2.9")
@pytest.mark.parametrize("password", GOOD)
def test_a_good_password_of_any_characters_is_taken(client: FlaskClient, password: str) -> None:
    assert len(password) <= passwords.MAX_LENGTH
    body = {"email": EMAIL, "name": NAME, "password": password}
    assert client.post("/api/auth/register", json=body).status_code == 201


def test_a_hint_says_what_is_wrong(app: Flask) -> None:
    assert refusal(app, "password1234") == (
        "This is a very common password. Add another word or two. Uncommon words are better."
    )
    assert "keys" in (refusal(app, "asdfghjkl;'qwert") or "")
    assert "Repeats" in (refusal(app, "tractortractor") or "")


def _change(app: Flask, alice: Person, password: str) -> str:
    response = alice.put("/password", {"current_password": PASSWORD, "new_password": password})
    assert response.get_json()["errors"][0]["pointer"] == "#/new_password"
    return str(response.get_json()["detail"])


def _reset(app: Flask, alice: Person, password: str) -> str:
    result = app.test_cli_runner().invoke(args=["users", "reset-password", alice.email], input=password)
    assert result.exit_code == 1
    return result.stderr


def _create(app: Flask, alice: Person, password: str) -> str:
    arguments = ["users", "create", "alice.two@example.org", "--name", "Alice"]
    result = app.test_cli_runner().invoke(args=arguments, input=password)
    assert result.exit_code == 1
    return result.stderr


@pytest.mark.proves("ASVS 6.2.4", "ASVS 6.2.11", "ASVS 6.3.4")
@pytest.mark.parametrize("way", [_change, _reset, _create])
def test_the_rules_hold_wherever_a_password_is_set(
    app: Flask, alice: Person, way: Callable[[Flask, Person, str], str]
) -> None:
    assert "very common password" in way(app, alice, "password1234")
    assert "your name, your address" in way(app, alice, "alice@example.org")
    body = {"email": alice.email, "password": PASSWORD}
    assert app.test_client().post("/api/auth/login", json=body).status_code == 200


def test_the_page_shows_the_hint_beside_the_field(make_app: MakeApp) -> None:
    app = make_app()
    app.config["WTF_CSRF_ENABLED"] = False
    response = app.test_client().post("/register", data={"email": EMAIL, "name": "", "password": "password1234"})
    assert response.status_code == 422
    assert "This is a very common password." in response.text


#: Chosen to make a matcher of the library try everything; several took it seconds before there were bounds.
LABORIOUS = [
    "(4@8{[<369!|1$5+7%2" * 13,
    "4837(2069153%1479" * 15,
    "0123456789" * 25,
    "aA" * 128,
    ("a" * 35 + "b") * 7,
    "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 256,
    "e\N{COMBINING ACUTE ACCENT}" * 128,
    "1.1.2001 " * 28,
    "carol" * 51,
    "🔑" * 256,
]


@ONE_DATABASE
@pytest.mark.parametrize("password", LABORIOUS, ids=range(len(LABORIOUS)))
def test_no_password_takes_long_to_judge(app: Flask, password: str) -> None:
    def seconds(text: str) -> float:
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            refusal(app, text)
            best = min(best, time.process_time() - start)
        return best

    # Dozens of milliseconds on any machine; without the bounds, from one to many seconds.
    assert seconds(password) < 0.4


@given(
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=12, max_size=256), name=st.text(max_size=100)
)
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_is_taken_or_refused_with_words(app: Flask, password: str, name: str) -> None:
    answer = refusal(app, password, name)
    assert answer is None or answer.endswith(".")


def test_judging_in_many_threads_mixes_nobody_up(app: Flask) -> None:
    def judge(name: str) -> list[bool]:
        return [refusal(app, "quasar tundra", name) is None for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(judge, ["Quasar Tundra", "Bob"] * 4))
    assert results == [[False] * 20, [True] * 20] * 4
