"""``flask doctor``: every fault is really made, and found, and nothing else is."""

import json
import resource
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex, token_urlsafe

import pytest
import time_machine
from flask import Flask
from redis import Redis

from app.extensions import db
from tests.cli.conftest import Command, Doctor, Program
from tests.cli.findings import faults
from tests.conftest import ONE_DATABASE
from tests.databases import client_programs
from tests.key_ring import rotate
from tests.people import Person
from tests.programs import ROOT
from tests.redis_server import redis_server


def test_a_sound_installation_is_one_screen_without_a_fault(doctor: Doctor, program: Program, app: Flask) -> None:
    found = doctor()
    assert faults(found) == {}
    version = "PostgreSQL" if db_is(app, "postgresql") else "SQLite"
    assert found["database"]["finding"].startswith(version)
    result = program("doctor", RATE_LIMIT="600", PG_BINDIR=client_programs())
    lines = result.stdout.decode().splitlines()
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(lines) <= 24
    assert all(line.startswith("ok    ") and "\x1b" not in line for line in lines)


def db_is(app: Flask, name: str) -> bool:
    with app.app_context():
        return db.engine.dialect.name == name


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
def test_a_password_that_takes_long_to_hash_is_warned_of(doctor: Doctor) -> None:
    assert "ms of a core for each password" in doctor()["password hashing"]["finding"]
    found = doctor(ARGON2_TIME_COST="100", ARGON2_MEMORY_KIB="24000")
    assert faults(found) == {"password hashing": "warn"}
    assert "(24000 KiB, 100 passes)" in found["password hashing"]["finding"]


@ONE_DATABASE
def test_secrets_that_others_can_read_are_found(doctor: Doctor, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    found = doctor(INSTANCE_PATH=str(instance))
    assert faults(found) == {}
    instance.chmod(0o750)
    assert faults(doctor(INSTANCE_PATH=str(instance))) == {"instance directory": "warn"}
    secret = instance / "secret_key"
    secret.write_text(token_urlsafe(32))
    secret.chmod(0o640)
    found = doctor(INSTANCE_PATH=str(instance), SECRET_KEY=secret.read_text())
    assert faults(found) == {"instance directory": "warn", "secret key": "fail"}
    assert f"chmod 600 {secret}" in found["secret key"]["cure"]
    assert secret.read_text() not in json.dumps(found)


@ONE_DATABASE
def test_a_secret_that_somebody_made_up_is_warned_of(doctor: Doctor) -> None:
    for made_up in ("correct horse battery staple horse", "0123456789abcdef0123456789abcdef"):
        found = doctor(SECRET_KEY=made_up)
        assert faults(found) == {"secret key": "warn"}
        assert made_up not in json.dumps(found)
    for random in (token_urlsafe(32), token_hex(16), token_hex(32)):
        assert faults(doctor(SECRET_KEY=random)) == {}


def test_keys_made_under_another_secret_are_found(doctor: Doctor, app: Flask, alice: Person) -> None:
    rotate(app, "HS256")
    assert faults(doctor()) == {}
    found = doctor(SECRET_KEY=token_urlsafe(32))
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
