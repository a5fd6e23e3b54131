"""JSON: registering and signing in."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person
from tests.problems import pointers

ACCOUNT = {"email": "carol@example.org", "password": PASSWORD}
LOGIN = {"email": "alice@example.org", "password": PASSWORD}


def test_registering_answers_201_with_the_profile_and_where_it_is(client: FlaskClient) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {"name": "Carol"})
    assert response.status_code == 201
    body = response.get_json()
    assert response.headers["Location"] == f"/api/users/{body['id']}"
    assert body.keys() == {"id", "email", "name", "timezone", "theme", "created_at"}
    assert (body["email"], body["name"], body["timezone"]) == ("carol@example.org", "Carol", "UTC")


@pytest.mark.parametrize("spelling", ["carol@example.org", "CAROL@Example.ORG", " carol@example.org "])
def test_an_address_is_taken_whatever_its_case(client: FlaskClient, spelling: str, count: Count) -> None:
    assert client.post("/api/auth/register", json=ACCOUNT).status_code == 201
    response = client.post("/api/auth/register", json=ACCOUNT | {"email": spelling})
    assert response.status_code == 409
    assert response.get_json()["type"] == "urn:taskward:problem:email-taken"
    assert count("users") == 1


@in_turn(
    "email", ["", "carol", "carol@", "@example.org", "a b@example.org", "carol@localhost", "c@example..org", "x" * 300]
)
def test_a_bad_address_is_422_at_its_pointer(client: FlaskClient, email: str) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {"email": email})
    assert response.status_code == 422
    (error,) = response.get_json()["errors"]
    assert error["pointer"] == "#/email"
    assert "email" not in error["detail"]  # it is an e-mail address here, whatever the library calls it


@pytest.mark.proves("ASVS 6.2.1")
@in_turn("password", ["", "short", "x" * 11, "x" * 257])
def test_a_password_of_the_wrong_length_is_422_at_its_pointer(client: FlaskClient, password: str) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {"password": password})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.get_json()["errors"]] == ["#/password"]


@pytest.mark.proves("ASVS 6.2.8", "ASVS 6.2.9")
@pytest.mark.parametrize(
    "password", ["zqkvhwtgpnbx", " leading and trailing ", "pässwörd 🔑 ok!", "wool kraken teapot 47 " + "x" * 234]
)
def test_a_password_is_taken_exactly_as_typed(client: FlaskClient, password: str) -> None:
    assert client.post("/api/auth/register", json=ACCOUNT | {"password": password}).status_code == 201
    assert client.post("/api/auth/login", json=ACCOUNT | {"password": password}).status_code == 200
    for other in (password.strip() + "x", password[:-1], password.swapcase() + "!"):
        assert client.post("/api/auth/login", json=ACCOUNT | {"password": other}).status_code == 401


ODD_VALUES: list[Any] = [None, True, 7, 1.5, [], ["a"], {}, {"$ne": ""}, "nul\0here", "\ud800"]


@in_turn("value", ODD_VALUES, ids=repr)
@in_turn("field", ["email", "password", "name"])
def test_any_json_type_in_any_field_of_a_registration_is_a_clear_4xx(
    client: FlaskClient, field: str, value: Any, count: Count
) -> None:
    body = json.dumps(ACCOUNT | {field: value})
    response = client.post("/api/auth/register", data=body, content_type="application/json")
    assert response.status_code in (400, 422)
    assert response.get_json()["detail"]
    assert count("users") == 0


@in_turn("value", ODD_VALUES, ids=repr)
@in_turn("field", ["email", "password"])
def test_any_json_type_in_any_field_of_a_login_is_a_clear_4xx(client: FlaskClient, field: str, value: Any) -> None:
    body = json.dumps(LOGIN | {field: value})
    response = client.post("/api/auth/login", data=body, content_type="application/json")
    assert response.status_code in (400, 422)
    assert response.get_json()["detail"]


def test_a_megabyte_of_password_is_413(client: FlaskClient) -> None:
    response = client.post("/api/auth/login", json=LOGIN | {"password": "x" * 1_000_000})
    assert response.status_code == 413
    assert response.content_type == "application/problem+json"


def test_registration_can_be_closed(make_app: MakeApp) -> None:
    response = make_app(REGISTRATION_OPEN="0").test_client().post("/api/auth/register", json=ACCOUNT)
    assert response.status_code == 403
    assert "operator" in response.get_json()["detail"]


@pytest.mark.proves("T4", "T5", "T6", "ASVS 10.1.1", "ASVS 14.3.2")
def test_login_answers_with_the_token_response_of_oauth(client: FlaskClient, alice: Person) -> None:
    response = client.post("/api/auth/login", json=LOGIN)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    assert "Set-Cookie" not in response.headers
    body = response.get_json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "user_id"}
    assert (body["token_type"], body["user_id"]) == ("Bearer", alice.id)
    assert body["expires_in"] in (899, 900)  # a second may have begun since the token was made
    assert body["scope"] == "tasks:read tasks:write account"


def test_the_address_may_be_typed_in_any_case_at_login(client: FlaskClient, alice: Person) -> None:
    assert client.post("/api/auth/login", json=LOGIN | {"email": " ALICE@Example.org"}).status_code == 200


def test_unknown_address_wrong_password_and_disabled_account_get_the_same_answer(app: Flask, alice: Person) -> None:
    client = app.test_client()
    wrong = client.post("/api/auth/login", json=LOGIN | {"password": "not the right one"})
    unknown = client.post("/api/auth/login", json=LOGIN | {"email": "nobody@example.org"})
    app.test_cli_runner().invoke(args=["users", "disable", alice.email])
    disabled = client.post("/api/auth/login", json=LOGIN)
    answers = []
    for response in (wrong, unknown, disabled):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="taskward"'
        body = response.get_json()
        del body["request_id"]
        answers.append(body)
    assert answers[0] == answers[1] == answers[2]


def test_two_registrations_of_one_address_at_the_same_moment_make_one_account(app: Flask, count: Count) -> None:
    def register(_: int) -> int:
        return app.test_client().post("/api/auth/register", json=ACCOUNT).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(register, range(4)))
    assert statuses == [201, 409, 409, 409]
    assert count("users") == 1


def test_who_am_i_costs_one_statement(alice: Person, statements: list[str]) -> None:
    assert alice.get("/api/me").get_json()["email"] == alice.email
    assert len(statements) == 1


@in_turn("code", [0x34F, 0x115F, 0x3164, 0xFE00, 0xFE0F, 0xE0100, 0xE01EF, 0x200B, 0x200F, 0x2060, 0xAD], ids=hex)
def test_an_address_with_what_cannot_be_seen_is_422(client: FlaskClient, code: int, count: Count) -> None:
    for email in (f"car{chr(code)}ol@example.org", f"carol{chr(code)}@example.org", f"carol@exam{chr(code)}ple.org"):
        response = client.post("/api/auth/register", json=ACCOUNT | {"email": email})
        assert pointers(response) == ["#/email"]
    assert count("users") == 0


@pytest.mark.parametrize(("local", "status"), [("é" * 32, 201), ("é" * 33, 422), ("x" * 64, 201), ("x" * 65, 422)])
def test_what_is_before_the_at_has_at_most_64_octets(client: FlaskClient, local: str, status: int) -> None:
    body = ACCOUNT | {"email": f"{local}@example.org"}
    assert client.post("/api/auth/register", json=body).status_code == status


@in_turn("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)], ids=hex)
def test_a_name_cannot_turn_the_direction_of_what_stands_beside_it(client: FlaskClient, code: int) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {"name": f"Carol{chr(code)}gro"})
    assert pointers(response) == ["#/name"]
    assert "direction of writing" in response.get_json()["errors"][0]["detail"]


@ONE_DATABASE
def test_marks_that_would_take_a_worker_minutes_to_put_in_order_are_422_at_once(client: FlaskClient) -> None:
    marks = "\u0315" * 40_000 + "\u0300" * 40_000
    for path in ("login", "register"):
        started = time.thread_time()
        response = client.post(f"/api/auth/{path}", json=ACCOUNT | {"email": marks})
        assert time.thread_time() - started < 2
        assert "#/email" in pointers(response)


@pytest.mark.parametrize("name", ["שלום", "مرحبا", "A\u200f (שלום)", "\u200eCarol"])
def test_a_name_may_be_written_from_right_to_left(client: FlaskClient, name: str) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {"name": name})
    assert (response.status_code, response.get_json()["name"]) == (201, name)


def test_of_many_mistakes_a_hundred_are_reported(client: FlaskClient) -> None:
    response = client.post("/api/auth/register", json=ACCOUNT | {f"field{n}": n for n in range(20_000)})
    assert len(pointers(response)) == 100
    assert len(response.data) < 20_000
