"""For every kind of security event something that people, programs or the operator do, and that makes it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from app.extensions import db
from app.models import SignIn
from app.services.audit import Event
from tests.people import PASSWORD, Person

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
NEW = "an entirely new passphrase"

Scenario = Callable[[Flask, Person], Any]


def login(app: Flask, alice: Person, password: str = PASSWORD, agent: str = FIREFOX) -> int:
    body = {"email": alice.email, "password": password}
    return app.test_client().post("/api/auth/login", json=body, headers={"User-Agent": agent}).status_code


def refresh(app: Flask, token: str) -> Any:
    return app.test_client().post("/api/auth/refresh", json={"refresh_token": token}).get_json()


def run(app: Flask, *words: str) -> None:
    assert app.test_cli_runner().invoke(args=[*words]).exit_code == 0


def after_a_failure(app: Flask, alice: Person) -> None:
    login(app, alice, "wrong password")
    login(app, alice)


def too_late(app: Flask, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        alice.delete("/sessions")


def reuse(app: Flask, alice: Person) -> None:
    second = refresh(app, alice.refresh_token)["refresh_token"]
    refresh(app, second)
    refresh(app, alice.refresh_token)


def lesser_scope(app: Flask, alice: Person) -> None:
    with app.app_context():
        db.session.query(SignIn).update({"scope": "tasks:read"})
        db.session.commit()
    alice.post("/tasks", {"title": "Buy milk"})


def enable(app: Flask, alice: Person) -> None:
    run(app, "users", "disable", alice.email)
    run(app, "users", "enable", alice.email)


def guess(app: Flask, alice: Person) -> None:
    for _ in range(5):
        login(app, alice, "wrong password")


def change_password(app: Flask, alice: Person, current: str = PASSWORD) -> None:
    alice.put("/password", {"current_password": current, "new_password": NEW})


def hurry(app: Flask, alice: Person) -> None:
    for _ in range(21):
        app.test_client().get("/api/me", headers=alice.bearer())


SCENARIOS: dict[Event, Scenario] = {
    Event.LOGIN_SUCCESS: login,
    Event.LOGIN_SUCCESS_AFTER_FAIL: after_a_failure,
    Event.LOGIN_FAIL: lambda app, alice: login(app, alice, "wrong password"),
    Event.REAUTHENTICATION: lambda app, alice: alice.post("/reauthenticate", {"password": PASSWORD}),
    Event.REAUTHENTICATION_FAIL: lambda app, alice: alice.delete("", {"password": "wrong password"}),
    Event.REAUTHENTICATION_REQUIRED: too_late,
    Event.LOGIN_LOCK: guess,
    Event.RATE_LIMIT_EXCEEDED: hurry,
    Event.CLIENT_FAIL: lambda app, alice: app.test_client().post("/oauth/token", data={"client_id": "client_x"}),
    Event.ADMIN: lambda app, alice: run(app, "keys", "rotate"),
    Event.PASSWORD_CHANGE: change_password,
    Event.PASSWORD_CHANGE_FAIL: lambda app, alice: change_password(app, alice, "wrong password"),
    Event.EMAIL_CHANGE: lambda app, alice: alice.put("/email", {"email": "new@example.org"}),
    Event.TOKEN_REVOKED: lambda app, alice: app.test_client().post("/oauth/revoke", data={"token": alice.access_token}),
    Event.TOKEN_FAIL: lambda app, alice: app.test_client().get("/api/me", headers={"Authorization": "Bearer x"}),
    Event.TOKEN_REUSE: reuse,
    Event.AUTHZ_FAIL: lambda app, alice: alice.get("/api/users/00000000-0000-4000-8000-000000000000/tasks"),
    Event.SCOPE_FAIL: lesser_scope,
    Event.CSRF: lambda app, alice: app.test_client().post("/login", data={"email": alice.email}),
    Event.SESSION_RENEWED: lambda app, alice: refresh(app, alice.refresh_token),
    Event.SESSION_ENDED: lambda app, alice: alice.post("/api/auth/logout"),
    Event.SENSITIVE_READ: lambda app, alice: alice.get("/export"),
    Event.FEED_CREATED: lambda app, alice: alice.post("/feed"),
    Event.FEED_REVOKED: lambda app, alice: (alice.post("/feed"), alice.delete("/feed")),
    Event.USER_CREATED: lambda app, alice: app.test_client().post(
        "/api/auth/register", json={"email": "dora@example.org", "password": PASSWORD}
    ),
    Event.USER_UPDATED: lambda app, alice: alice.patch("", {"name": "Alice B."}),
    Event.USER_DISABLED: lambda app, alice: run(app, "users", "disable", alice.email),
    Event.USER_ENABLED: enable,
    Event.USER_DELETED: lambda app, alice: alice.delete("", {"password": PASSWORD}),
}
