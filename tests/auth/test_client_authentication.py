"""How a client proves who it is, and what it is told when it does not (RFC 6749 §2.3, §3.2.1)."""

import base64

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.in_turn import in_turn
from tests.oauth_clients import Registered, basic, error, register

ENDPOINTS = ("token", "revoke", "introspect")

FORM = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}


def passes(response: TestResponse) -> bool:
    """Whether the client got beyond authentication: the token of `FORM` is what is wrong."""
    if response.status_code == 400:
        return bool(response.get_json()["error"] == "invalid_grant")
    return response.status_code == 200


def raw_basic(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return "Basic " + base64.b64encode(data).decode()


@pytest.mark.proves("T11", "V2", "I1", "ASVS 10.4.10", "RFC 6749 §2.3.1")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_confidential_client_authenticates_by_basic_or_in_the_body(
    client: FlaskClient, program: Registered, endpoint: str
) -> None:
    assert program.secret
    named = {"client_id": program.id, "client_secret": program.secret}
    assert passes(client.post(f"/oauth/{endpoint}", data=FORM | named))
    header = basic(program.id, program.secret)
    assert passes(client.post(f"/oauth/{endpoint}", data=FORM, headers=header))
    assert passes(client.post(f"/oauth/{endpoint}", data=FORM | {"client_id": program.id}, headers=header))


@pytest.mark.proves("RFC 6749 §2.3.1", "RFC 9110 §11.1")
def test_the_basic_scheme_is_compared_without_case_and_both_halves_are_form_decoded(
    client: FlaskClient, program: Registered
) -> None:
    encoded = (
        "".join(f"%{ord(c):02X}" for c in f"{program.id}")
        + ":"
        + "".join(f"%{ord(c):02x}" for c in program.secret or "")
    )
    for header in (raw_basic(encoded), raw_basic(encoded).replace("Basic", "bAsIc"), raw_basic(encoded) + " "):
        assert passes(client.post("/oauth/token", data=FORM, headers={"Authorization": header}))


@pytest.mark.proves("T10", "T11", "V2", "I3", "ASVS 10.4.10")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_confidential_client_that_does_not_prove_itself_is_401_with_a_challenge(
    client: FlaskClient, app: Flask, program: Registered, endpoint: str
) -> None:
    other = register(app)
    assert program.secret
    assert other.secret
    secrets = ["wrong", program.secret[:-1], program.secret + "x", program.secret.swapcase(), other.secret, "é", "\0"]
    for secret in secrets:
        by_body = client.post(f"/oauth/{endpoint}", data=FORM | {"client_id": program.id, "client_secret": secret})
        by_header = client.post(f"/oauth/{endpoint}", data=FORM, headers=basic(program.id, secret))
        for response in (by_body, by_header):
            assert error(response) == (401, "invalid_client")
            assert response.headers["WWW-Authenticate"] == 'Basic realm="taskward"'
    for form, headers in (({"client_id": program.id}, {}), ({}, basic(program.id, ""))):
        response = client.post(f"/oauth/{endpoint}", data=FORM | form, headers=headers)
        assert error(response) == (401, "invalid_client")


@pytest.mark.proves("T10")
@in_turn(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic é",
        "Basic !!!!",
        "Basic YTpi YTpi",
        "Basic YTpi,Basic YTpi",
        "Basic YTp",
        raw_basic("no colon"),
        raw_basic(":"),
        raw_basic("\0:\0"),
        raw_basic("%00:%ff"),
        raw_basic(b"\xff\xfe:\xff"),
        raw_basic("client_00000000000000000000:x"),
        raw_basic("taskward-pages:"),
        raw_basic("taskward-api:secret"),
        raw_basic("x" * 20000 + ":x"),
        "Bearer abc",
        "Digest username=x",
        "Negotiate",
        ",",
    ],
    ids=lambda header: repr(header[:30]),
)
@in_turn("endpoint", ENDPOINTS)
def test_an_authorization_header_that_names_no_client_is_401_with_a_challenge(
    client: FlaskClient, app: Flask, endpoint: str, header: str
) -> None:
    response = client.post(f"/oauth/{endpoint}", data=FORM, headers={"Authorization": header})
    assert error(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="taskward"'


@pytest.mark.proves("T11", "B5", "RFC 6749 §2.3")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_two_ways_to_authenticate_in_one_request_are_invalid_request(
    client: FlaskClient, app: Flask, program: Registered, endpoint: str
) -> None:
    assert program.secret
    header, other = basic(program.id, program.secret), register(app)
    for form in (
        {"client_secret": program.secret},
        {"client_id": program.id, "client_secret": program.secret},
        {"client_id": other.id},
        {"client_id": [program.id, program.id]},
        {"client_id": [program.id, other.id]},
    ):
        response = client.post(f"/oauth/{endpoint}", data=FORM | form, headers=header)
        assert error(response) == (400, "invalid_request"), form


@pytest.mark.proves("RFC 6749 §2.3.1", "ASVS 14.2.1")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_credentials_in_the_query_string_are_not_looked_at(
    client: FlaskClient, program: Registered, endpoint: str
) -> None:
    query = {"client_id": program.id, "client_secret": program.secret}
    response = client.post(f"/oauth/{endpoint}", data=FORM | {"client_id": program.id}, query_string=query)
    assert error(response) == (401, "invalid_client")


@pytest.mark.proves("T11")
def test_a_public_client_names_itself_and_has_no_secret(client: FlaskClient, public: Registered) -> None:
    assert public.secret is None
    assert passes(public.refresh("x"))
    assert passes(client.post("/oauth/token", data=FORM, headers=basic(public.id, "")))
    assert passes(client.post("/oauth/token", data=FORM | {"client_id": public.id, "client_secret": ""}))
    guessed = client.post("/oauth/token", data=FORM | {"client_id": public.id, "client_secret": "guess"})
    assert error(guessed) == (401, "invalid_client")


@in_turn(
    "form",
    [
        {"client_secret": "x"},
        {"client_id": "taskward-api", "client_secret": "x"},
        {"client_id": "taskward-pages"},
        {"client_id": "client_00000000000000000000"},
        {"client_id": "CLIENT_00000000000000000000"},
        {"client_id": "nul\0", "client_secret": "\0"},
        {"client_id": "' OR 1=1 --", "client_secret": "x"},
        {"client_id": "x" * 10000, "client_secret": "x" * 10000},
    ],
    ids=lambda form: repr(form)[:50],
)
def test_a_client_that_does_not_exist_is_401(client: FlaskClient, public: Registered, form: dict[str, str]) -> None:
    assert error(client.post("/oauth/token", data=FORM | form)) == (401, "invalid_client")


@pytest.mark.proves("ASVS 16.3.1", "ASVS 16.2.5")
def test_a_failed_authentication_is_in_the_event_log_without_what_was_sent(
    app: Flask, client: FlaskClient, program: Registered, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/oauth/token", data=FORM, headers=basic(program.id, "SECRETGUESS"))
    client.post("/oauth/token", data=FORM | {"client_id": "SECRETNAME", "client_secret": "SECRETGUESS"})
    listed = app.test_cli_runner().invoke(args=["events", "list", "--event", "authn_client_fail"]).stdout
    assert listed.count("authn_client_fail") == listed.count(program.id) == 1, "of nobody there is no row"
    log = capsys.readouterr().err
    assert log.count("authn_client_fail") == 2
    assert "SECRET" not in listed + log
