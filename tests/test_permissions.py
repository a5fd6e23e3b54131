"""Every route, tried by everybody who should not get in, and by its owner."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import SignIn
from app.services.scopes import ALL_SCOPES
from app.web import access
from tests.forge import Forger
from tests.people import Person
from tests.routes import NOWHERE, PUBLIC, address, calls, is_api, is_oauth, is_owned, is_page


def expired(app: Flask, alice: Person) -> str:
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        return alice.another_sign_in().access_token


def wrong_signature(app: Flask, alice: Person) -> str:
    forger = Forger(app, alice.access_token)
    return forger.sign(forger.header, forger.claims, b"not the secret of this server at all")


def refresh_token(app: Flask, alice: Person) -> str:
    return alice.refresh_token


def revoked(app: Flask, alice: Person) -> str:
    elsewhere = alice.another_sign_in()
    elsewhere.post("/api/auth/logout")
    return elsewhere.access_token


def blocked(app: Flask, alice: Person) -> str:
    elsewhere = alice.another_sign_in()
    app.test_client().post("/oauth/revoke", data={"token": elsewhere.access_token})
    return elsewhere.access_token


def disabled(app: Flask, alice: Person) -> str:
    assert app.test_cli_runner().invoke(args=["users", "disable", alice.email]).exit_code == 0
    return alice.access_token


INTRUDERS = [expired, wrong_signature, refresh_token, revoked, blocked, disabled]


def ask(app: Flask, method: str, url: str, token: str | None) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().open(url, method=method, headers=headers)


def test_every_public_route_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= PUBLIC


@pytest.mark.proves("B1", "B2", "ASVS 8.2.1", "ASVS 7.2.1")
def test_no_token_is_401_with_a_bare_challenge_everywhere(app: Flask, alice: Person) -> None:
    for method, rule in calls(app, kind=is_api):
        response = ask(app, method, address(app, rule, alice.id), None)
        assert response.status_code == 401, rule
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="taskward"', rule


@pytest.mark.proves("B1", "B3", "ASVS 7.2.1", "ASVS 7.4.1", "ASVS 9.2.2", "J4")
@pytest.mark.parametrize("intruder", INTRUDERS, ids=lambda make: make.__name__)
def test_a_bad_token_is_401_invalid_token_everywhere(
    app: Flask, alice: Person, intruder: Callable[[Flask, Person], str]
) -> None:
    token = intruder(app, alice)
    for method, rule in calls(app, kind=is_api):
        response = ask(app, method, address(app, rule, alice.id), token)
        assert response.status_code == 401, rule
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"], rule


@pytest.mark.proves("B8", "ASVS 8.2.2", "ASVS 8.4.1", "ASVS 16.3.2", "ASVS 8.3.3", "ASVS 16.3.3")
@pytest.mark.parametrize("victim", ["alice", "nobody"])
def test_a_stranger_is_403_everywhere_whether_or_not_the_person_exists(
    app: Flask, alice: Person, bob: Person, victim: str
) -> None:
    task = alice.make_task()
    tried = 0
    for method, rule in calls(app, kind=is_owned):
        url = address(app, rule, alice.id if victim == "alice" else NOWHERE)
        response = ask(app, method, url.replace(f"/tasks/{NOWHERE}", f"/tasks/{task['id']}"), bob.access_token)
        assert response.status_code == 403, rule
        assert "WWW-Authenticate" not in response.headers, rule
        if method != "HEAD":
            assert response.get_json()["type"] == "urn:taskward:problem:not-the-owner", rule
        tried += 1
    assert tried > 10
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    refusals = [each for each in bob.get("/events?limit=200").get_json()["items"] if each["event"] == "authz_fail"]
    assert len(refusals) == tried


def test_the_owner_is_let_in_everywhere(app: Flask, alice: Person) -> None:
    for method, rule in calls(app, kind=is_api):
        fresh = alice.another_sign_in()
        response = ask(app, method, address(app, rule, alice.id), fresh.access_token)
        assert response.status_code not in (401, 403), rule
        assert response.status_code < 500, rule


#: What every good token may do, whatever its scope, and why.
ANY_SCOPE = {"auth_api.logout"}  # giving a token up must never need more than holding it


@pytest.mark.proves("B4", "S5", "ASVS 8.2.1", "ASVS 8.3.2", "ASVS 10.3.2")
@pytest.mark.parametrize("lowered", ["the sign-in", "the token"])
def test_a_token_without_the_scope_is_403_that_names_it(app: Flask, alice: Person, lowered: str) -> None:
    for method, rule in calls(app, kind=is_api):
        if rule.endpoint in ANY_SCOPE:
            continue
        view = app.view_functions[rule.endpoint]
        scope = view.required_scope
        others = " ".join(each for each in ALL_SCOPES.split() if each != scope)
        lesser = alice.another_sign_in()
        if lowered == "the sign-in":
            with app.app_context():
                db.session.query(SignIn).update({"scope": others})
                db.session.commit()
        else:
            form = {"grant_type": "refresh_token", "refresh_token": lesser.refresh_token, "scope": others}
            lesser.access_token = app.test_client().post("/oauth/token", data=form).get_json()["access_token"]
        response = ask(app, method, address(app, rule, alice.id), lesser.access_token)
        assert response.status_code == 403, rule
        expected = f'Bearer realm="taskward", error="insufficient_scope", scope="{scope}"'
        assert response.headers["WWW-Authenticate"] == expected, rule


@pytest.mark.proves("I1", "T10", "ASVS 10.4.10", "ASVS 8.2.1", "ASVS 8.3.1")
def test_every_oauth_endpoint_that_is_not_public_asks_for_a_client(app: Flask, alice: Person) -> None:
    tried = 0
    for method, rule in calls(app, kind=is_oauth):
        for token in (None, alice.access_token):
            response = ask(app, method, address(app, rule, alice.id), token)
            assert (response.status_code, response.get_json()["error"]) == (401, "invalid_client"), rule
            assert response.headers["WWW-Authenticate"] == 'Basic realm="taskward"', rule
        tried += 1
    assert tried >= 1


def test_every_page_sends_a_stranger_to_sign_in(app: Flask) -> None:
    tried = 0
    for method, rule in calls(app, kind=is_page):
        if method in ("GET", "HEAD"):
            response = ask(app, method, address(app, rule, NOWHERE), None)
            assert response.status_code == 303, rule
            assert response.headers["Location"].startswith("/login"), rule
            tried += 1
    assert tried >= 3


@pytest.mark.proves("ASVS 8.2.1", "ASVS 8.3.1")
def test_no_page_does_anything_for_a_stranger(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.config["WTF_CSRF_ENABLED"] = False  # the form token is not what keeps strangers out
    tried = 0
    for method, rule in calls(app, kind=is_page):
        if method == "POST":
            response = ask(app, method, address(app, rule, NOWHERE), None)
            assert response.status_code == 401, rule
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="taskward"', rule
            assert '<form method="post" action="/login"' in response.text, rule
            tried += 1
    assert tried >= 5


@pytest.mark.proves("B7", "ASVS 3.5.1")
def test_every_form_needs_its_token(app: Flask, alice: Person) -> None:
    tried = 0
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or set()) and not is_api(rule) and not rule.endpoint.startswith("oauth."):
            assert ask(app, "POST", address(app, rule, NOWHERE), None).status_code == 400, rule
            tried += 1
    assert tried >= 5


@pytest.mark.proves("ASVS 8.2.1")
def test_a_route_that_names_a_user_without_the_decorator_stops_the_start(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.add_url_rule("/api/users/<uuid:user_id>/leak", "leak", lambda user_id: "everything")
    with pytest.raises(RuntimeError, match="leak"):
        access.check_owner_routes(app)


@pytest.mark.proves("CVE-2026-33678", "ASVS 8.2.2", "ASVS 8.4.1")
def test_every_task_of_another_person_is_404_under_ones_own_id(alice: Person, bob: Person) -> None:
    task = alice.make_task()
    path = f"/tasks/{task['id']}"
    for method, suffix, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "stolen"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
    ):
        response = bob.call(method, path + suffix, json=body)
        assert response.status_code == 404, method
    assert alice.get(path).get_json() == task
