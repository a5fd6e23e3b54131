"""What holds for every command: discreet, safe to print, helpful, and quiet about its insides when it fails."""

import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.cli.output import print_list, printable
from app.extensions import db
from tests.cli.conftest import Command, Program
from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person
from tests.programs import ROOT

HOSTILE = "Eve \x1b]0;owned\x07 \u202egnp\x9b31m"
GROUPS = ("users", "sessions", "tasks", "tokens", "keys", "events")


def commands(app: Flask) -> dict[str, click.Command]:
    found = {"seed-demo": app.cli.commands["seed-demo"]}
    for name in GROUPS:
        group = app.cli.commands[name]
        assert isinstance(group, click.Group)
        found |= {f"{name} {verb}": command for verb, command in group.commands.items()}
    return found


def test_every_command_has_help_with_an_example_and_a_json_form(app: Flask, flask: Command) -> None:
    for words in commands(app):
        help_text = flask(f"{words} --help").stdout
        assert f"\n    flask {words}" in help_text, words
        assert "--json" in help_text, words


@in_turn("words", [*GROUPS, "seed-demo"])
def test_the_exit_codes_are_in_the_help(flask: Command, words: str) -> None:
    help_text = flask(f"{words} --help").stdout
    assert all(f"\n    {code}  " in help_text for code in range(5))


@pytest.mark.proves("ASVS 16.2.5")
def test_no_command_shows_a_title_a_password_hash_or_a_token(flask: Command, alice: Person) -> None:
    alice.make_task(title="Visit Atlantis", notes="Visit Atlantis", tags=["atlantis"])
    printed = ""
    for words in ("users list", f"users show {alice.id}", "sessions list", "events list", "seed-demo --add"):
        for form in ("", " --json"):
            result = flask(words + form)
            assert result.exit_code == 0
            printed += result.stdout + result.stderr
    for secret in ("tlantis", "argon2", alice.access_token, alice.refresh_token, PASSWORD):
        assert secret not in printed


def test_stored_control_characters_do_not_reach_the_terminal(flask: Command, app: Flask, alice: Person) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE users SET name = :name"), {"name": HOSTILE})
        connection.execute(text("UPDATE sign_ins SET label = :label"), {"label": HOSTILE})
        connection.execute(text("UPDATE security_events SET device = :device"), {"device": HOSTILE})
    for words in ("users list", f"users show {alice.id}", "sessions list", "events list"):
        for form in ("", " --json"):
            printed = flask(words + form).stdout
            assert all(line.isprintable() for line in printed.split("\n")), words
            assert "owned" in printed
    assert json.loads(flask(f"users show {alice.id} --json").stdout)["name"] == HOSTILE


def test_printable_text_stays_as_it_is() -> None:
    assert printable("Zoë 李 & fine") == "Zoë 李 & fine"
    assert printable("a\nb\x1b\u2028\ud800") == "a\\nb\\x1b\\u2028\\ud800"


def test_columns_line_up_under_wide_and_combining_letters(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    rows = [{"name": name, "id": 1} for name in ("李", "ab", f"{decomposed}b")]
    with app.app_context():
        print_list(rows, ("name", "id"), as_json=False, none="")
    assert capsys.readouterr().out == f"NAME  ID\n李    1\nab    1\n{decomposed}b    1\n"


@ONE_DATABASE
def test_the_real_program_creates_an_account_from_standard_input(program: Program, client: FlaskClient) -> None:
    words = ("users", "create", "ann@example.org", "--json")
    created = program(*words, stdin=f"{PASSWORD}\n".encode())
    assert (created.returncode, json.loads(created.stdout)["email"]) == (0, "ann@example.org")
    assert client.post("/api/auth/login", json={"email": "ann@example.org", "password": PASSWORD}).status_code == 200
    assert program("users", "show", b"\xff@example.org").returncode == 2  # type: ignore[arg-type]


@ONE_DATABASE
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    program_environment: dict[str, str], client: FlaskClient
) -> None:
    command = [sys.executable, "-m", "flask", "users", "create", "ann@example.org", "--json"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, command, program_environment)  # noqa: S606
    shown = b""
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
            if chunk.endswith(b": "):
                os.write(terminal, f"{PASSWORD}\n".encode())
    except OSError:
        pass  # how Linux says that the other end of the terminal was closed
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert shown.count(b"password") == 1
    assert PASSWORD.encode() not in shown
    assert b'"level"' not in shown
    assert client.post("/api/auth/login", json={"email": "ann@example.org", "password": PASSWORD}).status_code == 200


@ONE_DATABASE
@pytest.mark.parametrize("words", ["users list", "sessions list", "tokens purge", "events list", "seed-demo"])
def test_a_database_without_the_schema_is_one_clear_line(make_app: MakeApp, tmp_path: Path, words: str) -> None:
    runner = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/new.db").test_cli_runner()
    result = runner.invoke(args=words.split())
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.count("\n") == 1
    assert "run: flask db upgrade" in result.stderr


@pytest.mark.parametrize(("revision", "cure"), [("0001", "run: flask db upgrade"), ("9999", "run the newer Taskward")])
def test_a_database_with_another_schema_is_one_clear_line(flask: Command, app: Flask, revision: str, cure: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    try:
        result = flask("users list")
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :current"), {"current": current})
    assert result.exit_code == 4
    assert f"is at revision {revision}" in result.stderr
    assert cure in result.stderr


@ONE_DATABASE
@pytest.mark.parametrize(
    "address", ["postgresql://someone:sekrit@127.0.0.1:1/taskward", "sqlite:////nowhere/at/all.db"]
)
def test_a_database_that_does_not_answer_is_one_clear_line(make_app: MakeApp, address: str) -> None:
    result = make_app(DATABASE_URL=address).test_cli_runner().invoke(args=["users", "list"])
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("Error: The database cannot be used: ")
    assert result.stderr.count("\n") == 1
    assert "sekrit" not in result.stderr


def test_a_table_that_is_not_there_is_one_clear_line(flask: Command, app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE users RENAME TO away"))
    try:
        result = flask("users list")
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO users"))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (4, "", 1)


@ONE_DATABASE
def test_no_upgrade_of_a_database_that_does_not_answer_is_one_clear_line_too(program: Program) -> None:
    result = program("db", "upgrade", DATABASE_URL="postgresql://someone@127.0.0.1:1/taskward")
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
    assert result.stderr.count(b"the database cannot be used: ") == 1


@ONE_DATABASE
def test_a_file_that_is_no_database_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Ann, " * 1000)
    result = program("users", "list", DATABASE_URL=f"sqlite:///{tmp_path}/letter.db")
    assert (result.returncode, result.stderr.count(b"\n")) == (4, 1)


def test_a_database_that_refuses_to_be_written_is_one_clear_line(
    make_app: MakeApp, alice: Person, read_only: dict[str, str]
) -> None:
    runner = make_app(**read_only).test_cli_runner()
    assert runner.invoke(args=["users", "list"]).exit_code == 0
    result = runner.invoke(args=["users", "disable", alice.email])
    *_, last = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (4, "")
    assert "The database cannot be used: " in last
    assert "Traceback" not in result.stderr


@ONE_DATABASE
def test_many_tasks_show_their_progress_on_standard_error(program_environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "flask", "seed-demo", "--tasks", "2500", "--json"]
    ours, theirs = pty.openpty()
    result = subprocess.run(
        command, cwd=ROOT, env=program_environment, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"100%" in shown
    assert json.loads(result.stdout)["tasks_added"] == 2500


def test_output_that_cannot_be_written_is_told_in_a_line_and_what_was_done_stays(
    program_environment: dict[str, str], flask: Command
) -> None:
    command = [sys.executable, "-m", "flask", "clients", "create", "Reports", "--confidential"]
    buffered = program_environment | {"PYTHONUNBUFFERED": ""}
    with open("/dev/full", "wb") as full:
        result = subprocess.run(command, cwd=ROOT, env=buffered, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1
    assert result.stderr.decode().splitlines()[-1] == (
        "Error: The output could not be written: No space left on device. What was done stays done."
    )
    assert b"Traceback" not in result.stderr
    assert "Reports" in flask("clients list").stdout
