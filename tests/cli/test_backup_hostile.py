"""Files that are no backup, not whole, or made by somebody who means harm: none of them gets in."""

import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.backups import POSTGRESQL, command, made
from tests.conftest import ONE_DATABASE
from tests.installations import Environment, opened
from tests.people import Person


def _retold(file: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    """Change members of a backup, and let its manifest say what it then holds."""
    with tarfile.open(file) as tar:
        members = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    manifest = json.loads(members.pop("manifest.json"))
    change(members)
    sums = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()}
    packed(file, {"manifest.json": json.dumps(manifest | {"members": sums}).encode()} | members)


def packed(file: Path, members: dict[str, bytes], **fields: Any) -> None:
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in fields.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(data))


def _with(name: str, data: bytes = b"x") -> Callable[[Path], None]:
    return lambda file: _retold(file, lambda members: members.update({name: data}))


def _appended(**fields: Any) -> Callable[[Path], None]:
    """Add one more entry to the tar, of which the manifest says nothing."""

    def change(file: Path) -> None:
        info = tarfile.TarInfo("database.sqlite")
        for field, value in fields.items():
            setattr(info, field, value)
        with tarfile.open(file, "a") as tar:
            tar.addfile(info)

    return change


def _of_another_format(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))


def _with_a_trigger(members: dict[str, bytes]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(members["database.sqlite"])
        with closing(sqlite3.connect(file.name)) as connection:
            connection.execute("CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM tasks; END")
            connection.commit()
        members["database.sqlite"] = Path(file.name).read_bytes()


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a letter": (lambda file: file.write_text("Dear Ann, " * 1000), "not a backup"),
    "nothing": (lambda file: file.write_bytes(b""), "not a backup"),
    "zeros": (lambda file: file.write_bytes(bytes(10240)), "not a backup"),
    "compressed": (lambda file: file.write_bytes(gzip.compress(file.read_bytes())), "not a backup"),
    "cut short": (lambda file: os.truncate(file, 100_000), "not what the manifest says"),
    "cut after the manifest": (lambda file: os.truncate(file, 1024), "ends too early"),
    "one bit": (
        lambda file: file.write_bytes(file.read_bytes().replace(b"alice@", b"alicf@")),
        "not what the manifest",
    ),
    "another format": (_of_another_format, "use a newer one"),
    "a way out": (_with("../evil"), "does not belong"),
    "an absolute path": (_with("/etc/evil"), "does not belong"),
    "a way out in a long name": (_with("../" * 60 + "evil"), "something else than files"),
    "a link": (_appended(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "something else than files"),
    "a hard link": (_appended(type=tarfile.LNKTYPE, linkname="/etc/passwd"), "something else than files"),
    "a device": (_appended(type=tarfile.CHRTYPE), "something else than files"),
    "the database twice": (_appended(), "does not belong"),
    "a big manifest": (lambda file: packed(file, {"manifest.json": b" " * 70_000}), "not a backup"),
    "a deep manifest": (lambda file: packed(file, {"manifest.json": b"[" * 60_000}), "cannot be read"),
    "no database": (lambda file: _retold(file, lambda members: members.clear()), "something is missing"),
    "no database inside": (_with("database.sqlite", b"SQLite format 3\0" + b"x" * 5000), "is damaged"),
    "a trigger": (lambda file: _retold(file, _with_a_trigger), "views or triggers"),
}


@pytest.mark.proves("CVE-2026-27819")
@ONE_DATABASE
@pytest.mark.parametrize(("change", "complaint"), HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_or_hostile_file_is_refused(
    source: Flask, empty: Environment, alice: Person, tmp_path: Path, change: Callable[[Path], Any], complaint: str
) -> None:
    file = made(source, tmp_path / "backup.tar")
    change(file)
    with opened(empty, migrated=False) as restored:
        for result in (command(source, "backup", "verify", file), command(restored, "backup", "restore", file)):
            assert (result.exit_code, result.stdout) == (1, "")
            assert complaint in result.stderr
        assert command(restored, "users", "list").exit_code == 4
    assert {path.name for path in tmp_path.iterdir()} == {"backup.tar", "restored"}


@POSTGRESQL
def test_a_damaged_dump_is_refused(source: Flask, tmp_path: Path) -> None:
    file = made(source, tmp_path / "backup.tar")
    _with("database.pgdump", b"PGDMP" + b"x" * 5000)(file)
    assert command(source, "backup", "verify", file).exit_code == 1
