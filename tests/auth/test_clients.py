"""Who a client is, how it proves it, and what becomes of it (RFC 6749 §2, §3.2.1)."""

import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import OAuthClient
from app.services import clients
from tests.conftest import MakeApp
from tests.in_turn import in_turn
from tests.oauth_clients import Registered, basic, register
from tests.people import PASSWORD, Person

ENDPOINTS = ("token", "revoke", "introspect")

FORM = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}


@pytest.fixture
def program(app: Flask) -> Registered:
    """A confidential client."""
    return register(app)


@pytest.fixture
def public(app: Flask) -> Registered:
    """A public client."""
    return register(app, confidential=False)


def works(person: Person) -> bool:
    return person.get().status_code == 200


def error(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["error"]


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


@pytest.mark.proves("ASVS 6.5.2", "ASVS 11.5.1", "ASVS 7.2.2")
def test_a_secret_has_256_random_bits_and_is_stored_as_a_digest_only(app: Flask, program: Registered) -> None:
    assert program.secret
    assert re.fullmatch(r"twcs_[A-Za-z0-9_-]{43}", program.secret)
    assert register(app).secret != program.secret
    with app.app_context():
        row = db.session.get(OAuthClient, program.id)
        assert row is not None
        assert re.fullmatch(r"[0-9a-f]{64}", row.secret_digest or "")
        assert program.secret not in str(vars(row))


@pytest.mark.proves("S6", "RFC 9700 §4.15")
def test_a_client_id_is_generated_and_cannot_look_like_a_person(app: Flask, alice: Person) -> None:
    for _ in range(5):
        made = register(app, confidential=False)
        assert re.fullmatch(r"client_[0-9a-f]{20}", made.id)
        token = made.signed_in(alice)
        assert token.get("/api/me").get_json()["id"] == alice.id != made.id


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


@pytest.mark.proves("T12", "T14", "ASVS 10.4.8")
def test_a_refresh_token_is_good_for_its_own_client_only(
    app: Flask, client: FlaskClient, alice: Person, program: Registered, public: Registered
) -> None:
    others = (register(app), public, Registered(app, "taskward-api", None))
    theirs = program.signed_in(alice)
    for thief in others:
        assert error(thief.refresh(theirs.refresh_token)) == (400, "invalid_grant")
    by_api = client.post("/api/auth/refresh", json={"refresh_token": theirs.refresh_token})
    assert by_api.status_code == 401
    assert works(theirs), "a stranger's attempt must not sign the person out"
    assert program.refresh(theirs.refresh_token).status_code == 200
    assert error(program.refresh(alice.refresh_token)) == (400, "invalid_grant")


@pytest.mark.proves("T11", "T12", "ASVS 10.4.10")
def test_the_refresh_token_of_a_confidential_client_is_worth_nothing_without_its_secret(
    client: FlaskClient, alice: Person, program: Registered
) -> None:
    theirs = program.signed_in(alice)
    form = {"grant_type": "refresh_token", "refresh_token": theirs.refresh_token}
    assert error(client.post("/oauth/token", data=form | {"client_id": program.id})) == (401, "invalid_client")
    assert error(client.post("/oauth/token", data=form)) == (400, "invalid_grant")
    assert program.refresh(theirs.refresh_token).status_code == 200


@pytest.mark.proves("V2", "ASVS 10.4.10", "RFC 7009 §2.1")
def test_a_client_cannot_revoke_the_token_of_another(
    app: Flask, alice: Person, program: Registered, public: Registered
) -> None:
    theirs = program.signed_in(alice)
    for thief in (register(app), public, Registered(app, "taskward-api", None)):
        for token in (theirs.refresh_token, theirs.access_token):
            assert error(thief.post("revoke", token=token)) == (400, "invalid_grant")
    assert works(theirs)
    assert program.post("revoke", token=theirs.access_token).status_code == 200
    assert not works(theirs)
    assert program.refresh(theirs.refresh_token).status_code == 200
    assert program.post("revoke", token=theirs.refresh_token).status_code == 200
    assert error(program.refresh(theirs.refresh_token)) == (400, "invalid_grant")


@pytest.mark.proves("T10", "T12", "ASVS 7.4.1")
@pytest.mark.parametrize("confidential", [True, False])
def test_a_revoked_client_is_unknown_from_then_on_and_its_tokens_are_dead_at_once(
    app: Flask, alice: Person, public: Registered, confidential: bool
) -> None:
    doomed = register(app, confidential=confidential)
    theirs, bystander = doomed.signed_in(alice), public.signed_in(alice)
    assert works(theirs)
    with app.app_context():
        assert clients.revoke(doomed.id) == 1
    assert not works(theirs)
    assert error(doomed.refresh(theirs.refresh_token)) == (401, "invalid_client")
    assert error(doomed.post("revoke", token=theirs.refresh_token)) == (401, "invalid_client")
    assert error(doomed.post("introspect", token=theirs.access_token)) == (401, "invalid_client")
    assert works(alice)
    assert works(bystander)
    assert public.refresh(bystander.refresh_token).status_code == 200


def grant(client: Registered, alice: Person, **form: Any) -> TestResponse:
    return client.post("token", grant_type="password", username=alice.email, password=PASSWORD, **form)


@pytest.mark.proves("S1", "ASVS 10.4.11", "ASVS 10.3.2")
def test_the_password_grant_gives_a_client_no_more_than_its_scope(make_app: MakeApp, alice: Person) -> None:
    app = make_app(OAUTH_PASSWORD_GRANT="1")
    reader = register(app, scope="tasks:read tasks:write")
    everything = grant(reader, alice)
    assert everything.get_json()["scope"] == "tasks:read tasks:write"
    less = grant(reader, alice, scope="tasks:read")
    assert less.get_json()["scope"] == "tasks:read"
    alice.access_token = less.get_json()["access_token"]
    assert alice.get("/tasks").status_code == 200
    assert alice.post("/tasks", {"title": "x"}).status_code == 403
    assert alice.get().status_code == 403
    for scope in ("account", "tasks:read account", "admin", "tasks:read  tasks:write", "TASKS:READ", "é\0"):
        assert error(grant(reader, alice, scope=scope)) == (400, "invalid_scope"), scope
    refreshed = reader.refresh(less.get_json()["refresh_token"], scope="tasks:read tasks:write")
    assert error(refreshed) == (400, "invalid_scope")


@pytest.mark.proves("T12", "ASVS 2.3.3")
def test_signing_in_while_the_client_is_revoked_leaves_nothing_usable(make_app: MakeApp, alice: Person) -> None:
    app = make_app(OAUTH_PASSWORD_GRANT="1")

    def revoke(client_id: str) -> int:
        with app.app_context():
            return clients.revoke(client_id)

    for _ in range(20):
        doomed = register(app)
        with ThreadPoolExecutor(3) as pool:
            signing_in = [pool.submit(grant, doomed, alice) for _ in range(2)]
            revoking = pool.submit(revoke, doomed.id)
        revoking.result()
        for each in signing_in:
            answer = each.result()
            if answer.status_code == 200:
                alice.access_token = answer.get_json()["access_token"]
                assert not works(alice)
            else:
                assert error(answer) == (401, "invalid_client")


@pytest.mark.proves("T12")
def test_refreshing_while_the_client_is_revoked_leaves_nothing_usable(app: Flask, alice: Person) -> None:
    def in_context(call: Callable[[str], int], client_id: str) -> int:
        with app.app_context():
            return call(client_id)

    for _ in range(10):
        doomed = register(app)
        theirs = doomed.signed_in(alice)
        with ThreadPoolExecutor(2) as pool:
            refreshing = pool.submit(doomed.refresh, theirs.refresh_token)
            ended = pool.submit(in_context, clients.revoke, doomed.id)
        assert ended.result() == 1
        if refreshing.result().status_code == 200:
            theirs.access_token = refreshing.result().get_json()["access_token"]
        assert not works(theirs)
