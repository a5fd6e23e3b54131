"""``flask doctor`` about the database: its schema, its server, its file, and the disk that is on."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import make_url, text

from app.extensions import db
from app.services import database_checks
from tests.backups import POSTGRESQL
from tests.cli.conftest import Doctor
from tests.cli.findings import faults
from tests.conftest import ONE_DATABASE


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


@POSTGRESQL
def test_a_machine_that_could_not_make_a_backup_is_warned_of(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor(PG_BINDIR=str(tmp_path))
    assert faults(found) == {"backups": "warn"}
    assert found["backups"]["finding"].startswith("no backup can be made from here: pg_dump is not in ")
    assert found["backups"]["cure"] == "Install postgresql-client, or set PG_BINDIR."


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
