"""What a client is given and may do with tokens, its own and others', until it is revoked, and then (RFC 6749 §2)."""

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
from tests.oauth_clients import Registered, error, register
from tests.people import PASSWORD, Person


def works(person: Person) -> bool:
    return person.get().status_code == 200


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
