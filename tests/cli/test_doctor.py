"""``flask doctor``: every fault is really made, and found, and nothing else is."""

import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from redis import Redis
from sqlalchemy import make_url, text

from app.extensions import db
from app.services import database_checks
from tests.cli.conftest import Command, Program
from tests.conftest import ONE_DATABASE, MakeApp
from tests.key_ring import rotate
from tests.people import Person
from tests.programs import ROOT
from tests.redis_server import redis_server

Report = dict[str, dict[str, Any]]
Doctor = Callable[..., Report]


@pytest.fixture
def doctor(app: Flask, make_app: MakeApp) -> Doctor:
    """Examine the installation, with other variables if there are any; return what was found by name."""

    def examine(**variables: str) -> Report:
        # A limit of its own: that of the tests is a fault.
        runner = make_app(**{"RATE_LIMIT": "600"} | variables).test_cli_runner()
        result = runner.invoke(args=["doctor", "--json"])
        document = json.loads(result.stdout)
        failed = document["status"] == "fail"
        assert result.exit_code == (1 if failed else 0), result.output
        strict = runner.invoke(args=["doctor", "--strict"])
        assert strict.exit_code == (0 if document["status"] == "ok" else 1)
        assert all(set(each) == {"name", "status", "finding", "cure"} for each in document["checks"])
        assert all(bool(each["cure"]) == (each["status"] != "ok") for each in document["checks"])
        return {each["name"]: each for each in document["checks"]}

    return examine


def faults(found: Report) -> dict[str, str]:
    return {name: each["status"] for name, each in found.items() if each["status"] != "ok"}


def test_a_sound_installation_is_one_screen_without_a_fault(doctor: Doctor, program: Program, app: Flask) -> None:
    found = doctor()
    assert faults(found) == {}
    version = "PostgreSQL" if db_is(app, "postgresql") else "SQLite"
    assert found["database"]["finding"].startswith(version)
    result = program("doctor", RATE_LIMIT="600")
    lines = result.stdout.decode().splitlines()
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(lines) <= 24
    assert all(line.startswith("ok    ") and "\x1b" not in line for line in lines)


def db_is(app: Flask, name: str) -> bool:
    with app.app_context():
        return db.engine.dialect.name == name


@pytest.mark.parametrize(("revision", "cure"), [("0001", "Run: flask db upgrade"), ("9999", "Run the newer Taskward")])
def test_another_revision_is_found_and_the_rest_is_not_hidden(
    doctor: Doctor, app: Flask, revision: str, cure: str
) -> None:
    with app.app_context(), db.engine.begin() as connection:
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    try:
        found = doctor()
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :current"), {"current": current})
    assert faults(found) == {"revision": "fail", "not checked": "warn"}
    assert found["not checked"]["finding"] == "writing, clock, signing keys"
    assert f"is at revision {revision}" in found["revision"]["finding"]
    assert cure in found["revision"]["cure"]


@ONE_DATABASE
@pytest.mark.proves("ASVS 16.2.5")
@pytest.mark.parametrize("password", ["sekrit", "s%40krit%2Fx"])
def test_a_server_that_does_not_answer_is_found_and_its_password_not_shown(doctor: Doctor, password: str) -> None:
    found = doctor(DATABASE_URL=f"postgresql://someone:{password}@127.0.0.1:1/taskward")
    assert faults(found) == {"database": "fail", "not checked": "warn"}
    assert "port 1" in found["database"]["finding"]
    assert "pg_hba.conf" in found["database"]["cure"]
    assert "krit" not in json.dumps(found)


@ONE_DATABASE
def test_a_file_that_is_missing_is_not_made(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor(DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert faults(found) == {"database file": "fail", "not checked": "warn"}
    assert "flask db upgrade" in found["database file"]["cure"]
    assert list(tmp_path.iterdir()) == []


@ONE_DATABASE
def test_a_file_that_is_no_database_is_found(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear Ann, " * 1000)
    (tmp_path / "letter.db").chmod(0o600)
    found = doctor(DATABASE_URL=f"sqlite:///{tmp_path}/letter.db")
    assert faults(found) == {"database": "fail", "not checked": "warn"}
    assert "not a database" in found["database"]["finding"]


@pytest.fixture
def elsewhere(environment: dict[str, str]) -> Iterator[Path]:
    """A copy of the database, in a directory that every user may enter."""
    url = make_url(environment["DATABASE_URL"])
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "taskward.db")
        # Not as a file: closing that would end the locks by which this process' connections hold the database.
        with closing(sqlite3.connect(str(url.database))) as ours, closing(sqlite3.connect(copy)) as theirs:
            ours.backup(theirs)
        copy.chmod(0o600)
        yield copy


@ONE_DATABASE
def test_a_directory_that_cannot_be_written_is_found(elsewhere: Path) -> None:
    # Root may write everywhere; "nobody" exists everywhere, too.
    elsewhere.chmod(0o644)
    elsewhere.parent.chmod(0o755 if os.geteuid() == 0 else 0o555)
    me = os.geteuid()
    try:
        if me == 0:
            os.seteuid(65534)
        finding = examined(elsewhere)
    finally:
        os.seteuid(me)
        elsewhere.parent.chmod(0o700)
    assert (finding.status, "is not writable" in finding.text) == ("fail", True)


def examined(path: Path) -> Any:
    app = Flask("nothing")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    with app.app_context():
        return database_checks.sqlite_file()


@ONE_DATABASE
def test_a_file_that_others_can_read_is_found(doctor: Doctor, elsewhere: Path) -> None:
    assert faults(doctor(DATABASE_URL=f"sqlite:///{elsewhere}")) == {}
    elsewhere.parent.chmod(0o755)
    elsewhere.chmod(0o644)
    found = doctor(DATABASE_URL=f"sqlite:///{elsewhere}")
    assert faults(found) == {"database file": "warn"}
    assert f"chmod 600 {elsewhere}" in found["database file"]["cure"]


def test_a_network_file_system_is_told_from_a_disk(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "35 21 0:40 / /srv/our\\040data rw shared:1 - nfs4 nas:/data rw\n"
        "36 35 8:2 / /srv/our\\040data/local rw - xfs /dev/sdb rw\n"
    )
    found = [
        database_checks.filesystem(Path(f"/srv/{path}/taskward.db"), mounts)
        for path in ("our data", "our data/deeper", "our data/local", "our")
    ]
    assert found == ["nfs4", "nfs4", "xfs", "ext4"]


@ONE_DATABASE
def test_a_full_disk_is_found(doctor: Doctor) -> None:
    found = doctor(DATABASE_URL="sqlite:////proc/taskward.db")  # where there is never room
    assert found["disk space"]["status"] == "fail"
    assert found["disk space"]["finding"].startswith("0 MB free in /proc")


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"PUBLIC_URL": "http://tasks.example.org"}, ["public address"]),
        ({"PUBLIC_URL": "https://tasks.example.org"}, ["proxy"]),
        ({"PUBLIC_URL": "https://tasks.example.org", "PROXY_HOPS": "1"}, []),
        ({"PUBLIC_URL": "http://[::1]:8000"}, []),
        ({"RATE_LIMIT": "0"}, ["request limits"]),
    ],
)
@ONE_DATABASE
def test_settings_that_do_not_go_together_are_warned_of(
    doctor: Doctor, variables: dict[str, str], names: list[str]
) -> None:
    assert faults(doctor(**variables)) == dict.fromkeys(names, "warn")


@ONE_DATABASE
def test_secrets_that_others_can_read_are_found(doctor: Doctor, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    found = doctor(INSTANCE_PATH=str(instance))
    assert faults(found) == {}
    instance.chmod(0o750)
    assert faults(doctor(INSTANCE_PATH=str(instance))) == {"instance directory": "warn"}
    secret = instance / "secret_key"
    secret.write_text("0123456789abcdefghijklmnopqrstuvwxyz")
    secret.chmod(0o640)
    found = doctor(INSTANCE_PATH=str(instance), SECRET_KEY=secret.read_text())
    assert faults(found) == {"instance directory": "warn", "secret key": "fail"}
    assert f"chmod 600 {secret}" in found["secret key"]["cure"]
    assert secret.read_text() not in json.dumps(found)


def test_keys_made_under_another_secret_are_found(doctor: Doctor, app: Flask, alice: Person) -> None:
    rotate(app, "HS256")
    assert faults(doctor()) == {}
    found = doctor(SECRET_KEY="another-secret-0123456789-abcdefghijk")
    assert faults(found) == {"signing keys": "fail"}
    assert "does not open 1 of" in found["signing keys"]["finding"]


def test_a_clock_that_was_set_back_is_found(doctor: Doctor, app: Flask, alice: Person) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        alice.another_sign_in()
    found = doctor()
    assert faults(found) == {"clock": "fail"}
    assert "in the future" in found["clock"]["finding"]


def test_a_clock_that_differs_from_the_databases_is_found(doctor: Doctor, app: Flask) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=3)):
        found = doctor()
    assert faults(found) == ({"clock": "fail"} if db_is(app, "postgresql") else {})
    if db_is(app, "postgresql"):
        assert "180 s apart" in found["clock"]["finding"]


def test_more_connections_than_postgresql_allows_are_warned_of(
    doctor: Doctor, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "60")
    found = doctor(DATABASE_POOL_SIZE="6")
    assert faults(found) == ({"connections": "warn"} if db_is(app, "postgresql") else {})
    if db_is(app, "postgresql"):
        assert "60 workers of this server may want 1200 connections" in found["connections"]["finding"]


@ONE_DATABASE
def test_redis_is_asked_and_its_absence_found(doctor: Doctor, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        found = doctor(REDIS_URL=server.url)
        assert faults(found) == {}
        assert str(server.port) in found["redis"]["finding"]
        with Redis.from_url(server.url) as connection:
            connection.config_set("requirepass", "another")
        wrong = doctor(REDIS_URL=f"redis://:geheim@127.0.0.1:{server.port}/0")
        assert faults(wrong) == {"redis": "fail"}
    found = doctor(REDIS_URL=server.url.replace("127", ":geheim@127"))
    assert faults(found) == {"redis": "fail"}
    assert "geheim" not in json.dumps([found, wrong])


@ONE_DATABASE
def test_a_setting_that_is_not_accepted_is_explained_by_the_doctor_and_stops_all_else(
    program: Program,
) -> None:
    result = program("doctor", "--json", LOG_LEVEL="loud")
    first, last = json.loads(result.stdout)["checks"]
    assert result.returncode == 1
    assert (first["name"], first["status"], last["name"]) == ("settings", "fail", "not checked")
    assert first["finding"] == "LOG_LEVEL: accepts debug or info or warning or error, not 'loud'"
    assert program("users", "list", LOG_LEVEL="loud").returncode == 4


@ONE_DATABASE
def test_a_setting_of_the_server_alone_is_explained_too(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    found = doctor()
    assert found["settings"]["finding"].startswith("WEB_CONCURRENCY: accepts")


@ONE_DATABASE
def test_few_file_descriptors_are_warned_of(program_environment: dict[str, str]) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    command = [sys.executable, "-m", "flask", "doctor", "--json"]
    result = subprocess.run(
        command, cwd=ROOT, env=program_environment, preexec_fn=limit, capture_output=True, check=True
    )
    found = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert (found["open files"]["status"], "256 files" in found["open files"]["finding"]) == ("warn", True)


@ONE_DATABASE
def test_a_check_that_breaks_does_not_hide_the_others(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor(REDIS_URL="redis://127.0.0.1:1/99999999999999999999")
    assert set(faults(found)) == {"redis"}
    with socket.socket() as silent:  # accepts, and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        found = doctor(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
    assert faults(found) == {"redis": "fail"}


def test_help_shows_examples_and_exit_codes(flask: Command) -> None:
    shown = flask("doctor --help").stdout
    assert "\n    flask doctor" in shown
    assert all(f"\n    {code}  " in shown for code in range(3))
