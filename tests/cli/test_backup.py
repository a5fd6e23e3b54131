"""``flask backup``: what comes back is what was there, whatever happens meanwhile."""

import json
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.extensions import db
from app.models import Task, User
from app.services import bulk, maintenance
from tests.backups import Rows, another_like, command, made, rows
from tests.conftest import ONE_DATABASE
from tests.databases import client_programs
from tests.installations import Environment, installation, opened
from tests.people import Person


def live_a_little(app: Flask, client: FlaskClient, alice: Person) -> None:
    """Leave something in every table."""
    task = alice.make_task(title="Ärger 🌧", tags=["home"], due_date="2026-11-30", due_time="14:30")
    for path in (f"/tasks/{task['id']}", f"/tasks/{task['id']}?permanent=true"):
        alice.delete(path)
    alice.make_task(title="Stays", notes="a\nb", tags=["home", "b"])
    alice.client.post(alice.url("/tasks"), json={"title": "Once"}, headers=alice.bearer() | {"Idempotency-Key": "one"})
    assert alice.post("/feed").status_code == 201
    alice.another_sign_in()
    client.post("/oauth/revoke", data={"token": alice.another_sign_in().access_token})
    client.post("/api/auth/login", json={"email": alice.email, "password": "wrong"})
    for words in ("clients create Reports", "keys rotate --algorithm ES256"):
        assert command(app, *words.split()).exit_code == 0
    with app.app_context():
        assert maintenance.run_if_due() is not None


def without_counters(found: Rows) -> Rows:
    """Return the rows without those columns that a restore moves on."""
    kept = [column.name not in ("rev", "sync_floor") for column in User.__table__.columns]
    return found | {"users": [tuple(compress(row, kept)) for row in found["users"]]}


def test_every_row_of_every_table_comes_back(
    source: Flask, client: FlaskClient, alice: Person, empty: Environment, tmp_path: Path
) -> None:
    live_a_little(source, client, alice)
    before = rows(source)
    assert [name for name, found in before.items() if not found] == []
    file = made(source, tmp_path / "backup.tar")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    verified = json.loads(command(source, "backup", "verify", file, "--json").stdout)
    assert (verified["format"], verified["size"]) == (1, file.stat().st_size)
    with opened(empty, migrated=False) as restored:
        result = command(restored, "backup", "restore", file, "--json")
        assert result.exit_code == 0, result.stderr
        assert "db upgrade" not in result.stderr
        assert without_counters(rows(restored)) == without_counters(before)
        assert command(restored, "db", "check").exit_code == 0
        answer = restored.test_client().get(alice.url("/tasks"), headers=alice.bearer())
        assert {task["title"] for task in answer.get_json()["items"]} == {"Stays", "Once"}
        refused = command(restored, "backup", "restore", file)
        assert (refused.exit_code, refused.stderr) == (
            1,
            "Error: The database is not empty; restore into a new one (see DATABASE_URL).\n",
        )


def test_no_device_takes_what_comes_after_a_restore_for_what_was_lost(
    source: Flask, alice: Person, empty: Environment, tmp_path: Path
) -> None:
    path = alice.url(f"/tasks/{alice.make_task(title='Kept')['id']}")
    file = made(source, tmp_path / "backup.tar")
    for number in range(3):
        lost = alice.client.patch(path, json={"title": f"Lost {number}"}, headers=alice.bearer())
    known = alice.get("/tasks").headers["ETag"]
    since = alice.get("/tasks/changes").get_json()["next"]
    with opened(empty, migrated=False) as restored:
        assert command(restored, "backup", "restore", file).exit_code == 0
        client, headers = restored.test_client(), alice.bearer()
        for number in range(3):  # as many as were lost
            assert client.patch(path, json={"title": f"New {number}"}, headers=headers).status_code == 200
        assert client.get(alice.url(f"/tasks/changes?since={since}"), headers=headers).status_code == 410
        assert client.get(alice.url("/tasks"), headers=headers | {"If-None-Match": known}).status_code == 200
        overwriting = headers | {"If-Match": lost.headers["ETag"]}
        assert client.patch(path, json={"title": "Mine"}, headers=overwriting).status_code == 412
        anew = client.get(alice.url("/tasks/changes"), headers=headers).get_json()
        assert [task["title"] for task in anew["items"]] == ["New 2"]
        again = client.get(alice.url(f"/tasks/changes?since={anew['next']}"), headers=headers)
        assert (again.status_code, again.get_json()["items"]) == (200, [])


def test_a_backup_under_running_writes_holds_whole_transactions(
    source: Flask, alice: Person, empty: Environment, tmp_path: Path
) -> None:
    over = threading.Event()
    first = threading.Event()

    def write() -> None:
        with source.app_context():
            while not over.is_set():
                bulk.create_many(UUID(alice.id), [{"title": f"Task {number}"} for number in range(50)])
                first.set()
                db.session.remove()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        first.wait(10)
        files = [made(source, tmp_path / f"{number}.tar") for number in range(3)]
    finally:
        over.set()
        for writer in writers:
            writer.join()
    last = len(rows(source)["tasks"])
    with opened(empty, migrated=False) as restored:
        assert command(restored, "backup", "restore", files[-1]).exit_code == 0
        with restored.app_context(), db.read() as connection:
            revs = connection.scalars(select(Task.rev)).all()
    assert 50 <= len(revs) < last
    assert sorted(revs) == [rev for rev in range(1, max(revs) + 1) for _ in range(50)]


def test_an_older_backup_is_restored_and_can_be_upgraded_a_newer_one_is_refused(
    source: Flask, empty: Environment, tmp_path: Path
) -> None:
    with opened(empty, migrated=False) as old:
        assert command(old, "backup", "create").stderr.endswith("has no schema yet; there is nothing to back up.\n")
        command(old, "db", "upgrade", "0002")
        file = made(old, tmp_path / "old.tar")
        with old.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        newer = made(old, tmp_path / "newer.tar")
    with another_like(empty, tmp_path / "third") as env, opened(env, migrated=False) as restored:
        refused = command(restored, "backup", "restore", newer)
        assert (refused.exit_code, "revision 9999" in refused.stderr) == (1, True)
        result = command(restored, "backup", "restore", file)
        assert (result.exit_code, "run: flask db upgrade" in result.stderr) == (0, True)
        assert command(restored, "db", "upgrade").exit_code == 0
        assert command(restored, "users", "list").exit_code == 0


def test_a_backup_of_the_other_kind_of_database_is_refused(source: Flask, tmp_path: Path) -> None:
    file = made(source, tmp_path / "backup.tar")
    kind = json.loads(command(source, "backup", "verify", file, "--json").stdout)["database"]
    other = "sqlite" if kind == "postgresql" else "postgresql"
    with (
        installation(other, tmp_path / "other") as env,
        opened(env | {"PG_BINDIR": client_programs()}, migrated=False) as app,
    ):
        result = command(app, "backup", "restore", file)
    assert (result.exit_code, result.stderr) == (1, f"Error: The backup is of {kind}, DATABASE_URL names {other}.\n")


@ONE_DATABASE
def test_a_file_that_exists_is_never_overwritten(source: Flask, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Ann")
    result = command(source, "backup", "create", "--output", tmp_path / "letter")
    assert (result.exit_code, "exists already" in result.stderr) == (1, True)
    assert (tmp_path / "letter").read_text() == "Dear Ann"
    missing = command(source, "backup", "create", "--output", tmp_path / "nowhere" / "b.tar")
    assert f"{tmp_path / 'nowhere'}: No such file or directory." in missing.stderr


@contextmanager
def _full_disk() -> Iterator[None]:
    """Let this process make no file longer than 64 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@ONE_DATABASE
def test_a_full_disk_leaves_nothing_half(source: Flask, empty: Environment, alice: Person, tmp_path: Path) -> None:
    file = made(source, tmp_path / "backup.tar")
    with opened(empty, migrated=False) as restored:
        with _full_disk():
            results = [
                command(source, "backup", "create", "--output", tmp_path / "second.tar"),
                command(restored, "backup", "restore", file),
            ]
        assert [(each.exit_code, each.stderr.count("\n")) for each in results] == [(1, 1)] * 2
        assert {path.name for path in tmp_path.iterdir()} == {"backup.tar", "restored"}
        assert not list((tmp_path / "restored").glob(".backup*"))
        assert command(restored, "backup", "restore", file).exit_code == 0
        assert without_counters(rows(restored))["users"] == without_counters(rows(source))["users"]


def test_a_backup_may_be_named_from_where_one_is(
    source: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command(source, "backup", "create", "--output", Path("now.tar"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "now.tar").stat().st_size > 0
