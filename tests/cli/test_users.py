"""``flask users``."""

import json
import re
from datetime import datetime

import pytest
from flask.testing import FlaskClient

from tests.cli.conftest import Command
from tests.conftest import Count, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person

ACCOUNT_KEYS = {
    "id",
    "email",
    "name",
    "timezone",
    "created_at",
    "disabled_at",
    "sessions",
    "last_seen_at",
    "status",
}


def sign_in(client: FlaskClient, email: str, password: str) -> int:
    return client.post("/api/auth/login", json={"email": email, "password": password}).status_code


def test_a_created_account_can_sign_in(flask: Command, client: FlaskClient) -> None:
    result = flask("users create Ann@Example.org --name", "Ann Lee", stdin=f"{PASSWORD}\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Created the account Ann@example.org." in result.stderr
    assert sign_in(client, "ann@example.org", PASSWORD) == 200


def test_create_prints_the_account_as_json(flask: Command) -> None:
    account = json.loads(flask("users create ann@example.org --name Ann --json", stdin=PASSWORD).stdout)
    assert account.keys() == ACCOUNT_KEYS
    assert (account["email"], account["name"], account["status"]) == ("ann@example.org", "Ann", "active")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", account["created_at"])


@pytest.mark.parametrize("words", ["users create ann@xn--mller-kva.org", "seed-demo --email ann@xn--mller-kva.org"])
def test_an_international_address_is_kept_in_its_readable_spelling(flask: Command, words: str) -> None:
    made = flask(f"{words} --json", stdin=PASSWORD)
    assert (made.exit_code, json.loads(made.stdout)["email"]) == (0, "ann@müller.org")
    assert flask("users show ann@müller.org").exit_code == 0
    assert flask(words, stdin=PASSWORD).exit_code == 1


def test_only_the_line_ending_is_taken_off_the_password(flask: Command, client: FlaskClient) -> None:
    assert flask("users create ann@example.org", stdin="  spaces are kept \t\r\nnext line").exit_code == 0
    assert sign_in(client, "ann@example.org", "  spaces are kept \t") == 200


def test_an_operator_creates_accounts_where_registration_is_closed(make_app: MakeApp) -> None:
    runner = make_app(REGISTRATION_OPEN="0").test_cli_runner()
    assert runner.invoke(args=["users", "create", "ann@example.org"], input=PASSWORD).exit_code == 0


@in_turn(
    ("arguments", "stdin", "reason"),
    [
        (["ann@example.org"], b"too short\n", "password: Use at least 12"),
        (["ann@example.org"], b"x" * 9000, "password: Use at most 256"),
        (["ann@example.org"], b"", "no password on standard input"),
        (["ann@example.org"], b"\n", "no password on standard input"),
        (["ann@example.org"], b"\xff\xfe not utf-8 at all\n", "not UTF-8"),
        (["ann@example.org"], b"a NUL \0 in the middle\n", "without NUL"),
        (["ann"], b"", "email: Enter a valid e-mail address"),
        (["\x1b[2J@example.org"], PASSWORD.encode(), "email: Use one line"),
        (["ann@example.org", "--name", "n" * 101], PASSWORD.encode(), "name: "),
    ],
)
def test_create_refuses(flask: Command, count: Count, arguments: list[str], stdin: bytes, reason: str) -> None:
    result = flask("users create", *arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr
    assert count("users") == 0


def test_an_address_is_given_out_once_whatever_its_case(flask: Command, alice: Person, count: Count) -> None:
    result = flask("users create ALICE@example.org --json", stdin=PASSWORD)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "already an account" in result.stderr
    assert count("users") == 1


@pytest.mark.parametrize("verb", ["create", "reset-password"])
def test_a_password_cannot_be_an_argument(flask: Command, verb: str) -> None:
    assert flask(f"users {verb} ann@example.org --password {PASSWORD}").exit_code == 2
    assert flask(f"users {verb} ann@example.org {PASSWORD}").exit_code == 2


def test_an_argument_must_be_text(flask: Command) -> None:
    assert flask("users create ann@example.org --name \udcff", stdin=PASSWORD).exit_code == 2
    assert flask("users show \udcff").exit_code == 2


def test_list_shows_every_account_in_a_table(flask: Command, alice: Person, bob: Person) -> None:
    heading, first, second = flask("users list").stdout.splitlines()
    assert heading.split()[:4] == ["EMAIL", "NAME", "STATUS", "SESSIONS"]
    assert first.split()[:4] == ["alice@example.org", "Alice", "active", "1"]
    assert second.split()[0] == "bob@example.org"


@pytest.mark.proves("ASVS 6.3.2")
def test_list_of_nobody_says_how_to_begin(flask: Command) -> None:
    result = flask("users list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "flask users create" in result.stderr
    assert json.loads(flask("users list --json").stdout) == {"items": []}


def test_list_as_json_has_the_keys_of_show(flask: Command, alice: Person) -> None:
    shown = json.loads(flask(f"users show {alice.id} --json").stdout)
    assert shown.keys() == ACCOUNT_KEYS
    assert json.loads(flask("users list --json").stdout) == {"items": [shown]}


def test_an_account_is_named_by_address_or_id(flask: Command, alice: Person, bob: Person) -> None:
    by_address = flask("users show ALICE@example.org").stdout
    assert by_address == flask(f"users show {alice.id}").stdout
    assert f"id            {alice.id}\n" in by_address


@pytest.mark.proves("ASVS 7.4.2")
def test_a_disabled_account_is_out_at_once_until_enabled(flask: Command, alice: Person, client: FlaskClient) -> None:
    disabled = json.loads(flask("users disable alice@example.org --json").stdout)
    assert (disabled["status"], disabled["sessions_ended"]) == ("disabled", 1)
    assert datetime.fromisoformat(disabled["disabled_at"])
    assert alice.get("/tasks").status_code == 401
    assert sign_in(client, alice.email, PASSWORD) == 401
    enabled = json.loads(flask("users enable alice@example.org --json").stdout)
    assert (enabled["status"], enabled["disabled_at"]) == ("active", None)
    assert alice.get("/tasks").status_code == 401
    assert sign_in(client, alice.email, PASSWORD) == 200


def test_disabling_and_enabling_twice_changes_nothing_more(flask: Command, alice: Person) -> None:
    first = json.loads(flask(f"users disable {alice.id} --json").stdout)
    second = json.loads(flask(f"users disable {alice.id} --json").stdout)
    assert second == first | {"sessions_ended": 0}
    assert [flask(f"users enable {alice.id}").exit_code for _ in range(2)] == [0, 0]
    events = json.loads(flask("events list --json").stdout)["items"]
    assert [each["event"] for each in events if "abled" in each["event"]] == ["user_enabled", "user_disabled"]


@pytest.mark.proves("CVE-2026-27575")
def test_a_reset_password_replaces_the_old_one_and_ends_all_sessions(
    flask: Command, alice: Person, client: FlaskClient
) -> None:
    result = flask("users reset-password alice@example.org --json", stdin="a brand new password\n")
    assert json.loads(result.stdout)["sessions_ended"] == 1
    assert alice.get("/tasks").status_code == 401
    assert sign_in(client, alice.email, PASSWORD) == 401
    assert sign_in(client, alice.email, "a brand new password") == 200


def test_a_weak_new_password_changes_nothing(flask: Command, alice: Person, client: FlaskClient) -> None:
    assert flask(f"users reset-password {alice.id}", stdin="short\n").exit_code == 1
    assert alice.get("/tasks").status_code == 200
    assert sign_in(client, alice.email, PASSWORD) == 200


def test_delete_removes_the_account_with_everything_in_it(flask: Command, alice: Person, count: Count) -> None:
    alice.make_task(tags=["home"])
    deleted = json.loads(flask("users delete alice@example.org --yes --json").stdout)
    assert deleted == {"id": alice.id, "email": "alice@example.org", "deleted": True}
    assert [count(table) for table in ("users", "tasks", "task_tags", "sign_ins")] == [0, 0, 0, 0]
    assert alice.get("/tasks").status_code == 401


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1), ("", 1, 1)])
def test_delete_asks_first(flask: Command, alice: Person, count: Count, answer: str, code: int, left: int) -> None:
    result = flask("users delete alice@example.org", stdin=answer)
    assert (result.exit_code, result.stdout, count("users")) == (code, "", left)
    assert "alice@example.org" in result.stderr
    assert ("give --yes" in result.stderr) is (answer == "")


@in_turn("verb", ["show", "disable", "enable", "reset-password", "delete --yes"])
@in_turn("account", ["nobody@example.org", "8a3b3f0e-0c5e-4d0e-8c54-0f3a0a9a1b11", "", "\x1b[2J", "a\0b"])
def test_an_unknown_account_is_not_found(flask: Command, verb: str, account: str) -> None:
    result = flask(f"users {verb} --json", account, stdin=PASSWORD)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: There is no account")
    assert result.stderr.rstrip("\n").isprintable()
