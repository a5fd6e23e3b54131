"""``flask clients``."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.services.scopes import ALL_SCOPES
from tests.cli.conftest import Command
from tests.conftest import Count
from tests.in_turn import in_turn
from tests.oauth_clients import Registered, basic
from tests.people import Person

KEYS = {"id", "name", "type", "scope", "introspects", "status", "sessions", "created_at", "revoked_at"}
UNKNOWN = "client_00000000000000000000"


def create(flask: Command, *words: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(flask("clients create --json", *words).stdout)
    return made


def items(flask: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(flask("clients list --json").stdout)["items"]
    return found


@pytest.mark.proves("ASVS 10.4.11")
def test_a_public_client_is_made_without_a_secret_for_tasks_only(flask: Command) -> None:
    made = create(flask, "Desktop app")
    assert made.keys() == KEYS | {"secret"}
    assert re.fullmatch(r"client_[0-9a-f]{20}", made["id"])
    assert (made["name"], made["type"], made["secret"]) == ("Desktop app", "public", None)
    assert (made["scope"], made["introspects"], made["status"]) == ("tasks:read tasks:write", False, "active")


@pytest.mark.proves("T11", "ASVS 10.4.10")
def test_the_secret_of_a_confidential_client_is_shown_once_and_works(
    flask: Command, client: FlaskClient, alice: Person
) -> None:
    made = create(flask, "Gateway", "--confidential", "--introspect", "--scope", "tasks:read")
    assert (made["type"], made["introspects"], made["scope"]) == ("confidential", True, "tasks:read")
    asked = client.post(
        "/oauth/introspect", data={"token": alice.access_token}, headers=basic(made["id"], made["secret"])
    )
    assert asked.get_json()["active"]
    assert made["secret"] not in flask("clients list").stdout + flask("clients list --json").stdout
    assert items(flask)[0].keys() == KEYS


def test_for_people_id_and_secret_go_to_standard_output_and_the_advice_elsewhere(flask: Command) -> None:
    result = flask("clients create Gateway --confidential")
    assert result.exit_code == 0
    assert re.search(r"^id +client_[0-9a-f]{20}$", result.stdout, re.MULTILINE)
    assert re.search(r"^secret +twcs_[A-Za-z0-9_-]{43}$", result.stdout, re.MULTILINE)
    assert "Keep the secret now" in result.stderr
    assert "twcs_" not in result.stderr


def test_the_secret_is_in_no_log_and_no_event(flask: Command) -> None:
    made = flask("clients create Gateway --confidential --json")
    document = json.loads(made.stdout)
    events = flask("events list --json")
    assert "client registered" in made.stderr
    assert "client registered" in events.stdout
    assert document["id"] in events.stdout
    assert document["secret"] not in made.stderr + events.stdout + events.stderr


@in_turn(
    ("words", "code"),
    [
        (["create"], 2),
        (["create", ""], 1),
        (["create", "x" * 101], 1),
        (["create", "two\nlines"], 1),
        (["create", "App", "--scope", "admin"], 1),
        (["create", "App", "--scope", ""], 1),
        (["create", "App", "--introspect"], 1),
        (["create", "App", "--id", "mine"], 2),
        (["revoke"], 2),
        (["revoke", UNKNOWN], 3),
        (["revoke", "taskward-api"], 3),
        (["revoke", "é' --"], 3),
    ],
    ids=str,
)
def test_what_is_unclear_unknown_or_forbidden_is_refused(
    flask: Command, words: list[str], code: int, count: Count
) -> None:
    result = flask("clients", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr
    assert count("oauth_clients") == 0


def test_clients_are_listed_with_their_sessions(flask: Command, alice: Person) -> None:
    assert "There are no clients yet" in flask("clients list").stderr
    first, second = create(flask, "First"), create(flask, "Second")
    Registered(alice.app, first["id"], None).signed_in(alice)
    assert [(each["name"], each["sessions"]) for each in items(flask)] == [("First", 1), ("Second", 0)]
    table = flask("clients list").stdout
    assert first["id"] in table
    assert second["id"] in table


@pytest.mark.proves("ASVS 7.4.5", "T12")
def test_revoking_a_client_ends_its_sessions_and_no_others(flask: Command, alice: Person) -> None:
    doomed, other = create(flask, "Doomed", "--scope", ALL_SCOPES), create(flask, "Other", "--scope", ALL_SCOPES)
    theirs = Registered(alice.app, doomed["id"], None).signed_in(alice)
    bystander = Registered(alice.app, other["id"], None).signed_in(alice)
    answer = json.loads(flask(f"clients revoke {doomed['id']} --json").stdout)
    assert answer.keys() == KEYS | {"sessions_ended"}
    assert (answer["status"], answer["sessions"], answer["sessions_ended"]) == ("revoked", 0, 1)
    assert [each.get("/tasks").status_code for each in (theirs, bystander, alice)] == [401, 200, 200]
    events = json.loads(flask("events list --json").stdout)["items"]
    assert [each["event"] for each in events][:2] == ["session_logout", "authz_admin"]
    assert events[0]["detail"] == {"reason": "client revoked"}
    assert events[1]["detail"] == {"action": "client revoked", "client_id": doomed["id"]}


def test_revoking_a_client_twice_changes_nothing_more(flask: Command) -> None:
    made = create(flask, "Doomed")
    assert flask(f"clients revoke {made['id']}").exit_code == 0
    [before] = items(flask)
    again = flask(f"clients revoke {made['id']}")
    assert (again.exit_code, items(flask)) == (0, [before])
    assert "ended 0 sessions" in again.stderr
