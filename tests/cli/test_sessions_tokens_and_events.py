"""``flask sessions``, ``flask tokens`` and ``flask events``."""

import json
from datetime import timedelta

import pytest
from flask import Flask

from app.extensions import db
from app.models import BlockedToken, SignIn, utcnow
from tests.cli.conftest import Command
from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person

SESSION_KEYS = "email id user_id kind client_id label user_agent ip created_at last_seen_at idle_until expires_at"
EVENT_KEYS = "id created_at event user_id email sign_in_id ip device request_id detail"
UNKNOWN = "019a4f0e-5f0a-7c3e-9a57-3d6c1d1c2b1a"


def items(flask: Command, words: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(flask(f"{words} --json").stdout)["items"]
    return found


def alive(*people: Person) -> list[bool]:
    return [each.get("/tasks").status_code == 200 for each in people]


def test_sessions_of_everybody_or_of_one_account_are_listed(flask: Command, alice: Person, bob: Person) -> None:
    assert {each["email"] for each in items(flask, "sessions list")} == {alice.email, bob.email}
    [session] = items(flask, f"sessions list {alice.email}")
    assert session.keys() == set(SESSION_KEYS.split())
    assert session["user_id"] == alice.id
    assert alice.email in flask(f"sessions list {alice.id}").stdout


def test_an_ended_session_is_no_longer_listed(flask: Command, alice: Person) -> None:
    alice.another_sign_in().post("/api/auth/logout")
    assert len(items(flask, "sessions list")) == 1


def test_one_session_is_revoked_and_no_other(flask: Command, alice: Person, bob: Person) -> None:
    newer = alice.another_sign_in()
    session_id = items(flask, f"sessions list {alice.email}")[0]["id"]
    assert json.loads(flask(f"sessions revoke {session_id} --json").stdout) == {"sessions_ended": 1}
    assert alive(newer, alice, bob) == [False, True, True]


@pytest.mark.proves("ASVS 7.4.5")
def test_all_sessions_of_an_account_are_revoked(flask: Command, alice: Person, bob: Person) -> None:
    newer = alice.another_sign_in()
    assert "Ended 2 sessions." in flask(f"sessions revoke --user {alice.email}").stderr
    assert alive(newer, alice, bob) == [False, False, True]


@pytest.mark.proves("ASVS 7.4.5")
def test_all_sessions_of_everybody_are_revoked(flask: Command, alice: Person, bob: Person) -> None:
    assert json.loads(flask("sessions revoke --all --json").stdout) == {"sessions_ended": 2}
    assert alive(alice, bob) == [False, False]
    assert flask("sessions list").stdout == ""
    assert flask("sessions revoke --all").exit_code == 0


@in_turn(
    ("words", "code"),
    [
        ("revoke", 2),
        ("revoke not-an-id", 2),
        ("revoke --all --user alice@example.org", 2),
        (f"revoke {UNKNOWN} --all", 2),
        (f"revoke {UNKNOWN}", 3),
        ("revoke --user nobody@example.org", 3),
        ("list nobody@example.org", 3),
    ],
)
def test_sessions_refuses_what_is_unclear_or_unknown(flask: Command, alice: Person, words: str, code: int) -> None:
    result = flask(f"sessions {words}")
    assert (result.exit_code, result.stdout) == (code, "")
    assert alive(alice) == [True]


def test_a_session_is_revoked_once(flask: Command, alice: Person) -> None:
    session_id = items(flask, "sessions list")[0]["id"]
    assert [flask(f"sessions revoke {session_id}").exit_code for _ in range(2)] == [0, 3]


def test_purge_deletes_what_is_long_over_and_nothing_else(
    flask: Command, app: Flask, alice: Person, count: Count
) -> None:
    older = alice.another_sign_in()
    with app.app_context():
        now = utcnow()
        newest = db.session.query(SignIn).order_by(SignIn.created_at.desc()).first()
        assert newest is not None
        newest.revoked_at = now - timedelta(days=31)
        db.session.add(BlockedToken(jti="expired", expires_at=now - timedelta(hours=1)))
        db.session.add(BlockedToken(jti="current", expires_at=now + timedelta(hours=1)))
        db.session.commit()
    assert json.loads(flask("tokens purge --json").stdout) == {
        "blocked_tokens": 1,
        "sessions": 1,
        "signing_keys": 0,
        "login_throttles": 0,
    }
    assert (count("blocked_tokens"), count("sign_ins")) == (1, 1)
    assert alive(alice, older) == [True, False]
    message = "Deleted 0 blocked tokens, 0 ended sessions, 0 signing keys and 0 login throttles."
    assert message in flask("tokens purge").stderr


def test_events_are_listed_newest_first_for_everybody_or_one(flask: Command, alice: Person, bob: Person) -> None:
    flask(f"sessions revoke --user {alice.email}")
    everybody = items(flask, "events list")
    assert [each["event"] for each in everybody] == ["session_logout"] + ["authn_login_success"] * 2
    assert everybody[0].keys() == set(EVENT_KEYS.split())
    assert everybody[0]["detail"] == {"reason": "ended by the operator"}
    assert everybody[0]["device"] == "Operator's command line"
    assert {each["email"] for each in items(flask, f"events list --user {bob.id}")} == {bob.email}
    assert "reason: ended by the operator" in flask("events list").stdout


def test_events_are_filtered_by_name_and_number(flask: Command, alice: Person, bob: Person) -> None:
    flask("sessions revoke --all")
    assert len(items(flask, "events list --limit 3")) == 3
    assert {e["event"] for e in items(flask, "events list --event session_logout")} == {"session_logout"}
    assert items(flask, f"events list --event user_deleted --user {alice.email}") == []
    assert "no such events" in flask("events list --event user_deleted").stderr


@in_turn(
    ("words", "code"),
    [("--event logged_in", 2), ("--limit 0", 2), ("--limit many", 2), ("--user nobody@example.org", 3)],
)
def test_events_refuses_what_is_unclear_or_unknown(flask: Command, words: str, code: int) -> None:
    assert flask(f"events list {words}").exit_code == code


def test_the_deletion_of_an_account_stays_in_the_log(flask: Command, alice: Person) -> None:
    flask(f"users delete {alice.email} --yes")
    [event] = items(flask, "events list")
    assert (event["event"], event["user_id"], event["email"]) == ("user_deleted", None, None)
    assert event["detail"] == {"deleted_user_id": alice.id}
