"""Backups: one file with the whole database that can be checked, and restored into an empty place.

The key of ``SECRET_KEY`` is left out unless asked for: with it, whoever finds the file can forge tokens and open the
signing keys that lie sealed in the database; without it, a restored database only makes everybody sign in again.
"""

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import inspect, update

import config
from app.extensions import db
from app.models import User, utcnow
from app.services import backup_files, postgresql_dumps, schema, sqlite_dumps
from app.services.backup_files import Manifest
from app.services.errors import BackupRefused

#: Told how much of the work is done, from 0 to 1.
Progress = Callable[[float], None]

#: Kind of database → how it becomes a file: ``dump``, ``check``, ``load``.
_ENGINES: dict[str, Any] = {"sqlite": sqlite_dumps, "postgresql": postgresql_dumps}
_SNAPSHOTS_KEPT = 3
_WORK = ".backup."


def create(
    output: Path | None = None, *, with_secret_key: bool = False, progress: Progress = lambda _done: None
) -> tuple[Path, Manifest]:
    """Write a backup that is consistent while others go on writing; return where it is and what is in it.

    The file appears under its name when it is whole, readable for its owner alone; by default in ``backups`` of the
    instance directory, under the time.

    Raises:
        BackupRefused: there is nothing to back up, the database is damaged, the file exists, or it cannot be written.
    """
    now, revision = utcnow(), schema.revision()
    if revision is None:
        raise BackupRefused("The database has no schema yet; there is nothing to back up.")
    output = (output or _folder() / f"taskward-{now:%Y%m%dT%H%M%SZ}.tar").absolute()
    if os.path.lexists(output):
        raise BackupRefused(f"{output} exists already; name another file.")
    kind = db.engine.dialect.name
    with _workspace(output.parent) as work:
        files = {backup_files.DATABASES[kind]: work / "database"}
        _ENGINES[kind].dump(work / "database", progress)
        if with_secret_key:
            files[backup_files.SECRET_KEY] = work / "secret_key"
            (work / "secret_key").write_text(current_app.config["SECRET_KEY"])
        about = {"taskward": config.VERSION, "revision": revision, "database": kind, "created_at": now}
        manifest = backup_files.write(work / "backup", about, files)
        (work / "backup").rename(output)
        backup_files.sync_folder(output.parent)
    return output, manifest


def verify(file: Path) -> Manifest:
    """Return what is in a backup whose checksums are right and whose database is whole.

    Raises:
        BackupRefused: it is none, damaged, or not to be trusted.
    """
    with _workspace(Path(current_app.instance_path)) as work:
        return _unpack(file, work)


def restore(file: Path, progress: Progress = lambda _done: None) -> tuple[Manifest, bool]:
    """Fill the empty database from a backup, all or nothing; a key of ``SECRET_KEY`` in it becomes the instance's.

    The instance's own is then ``secret_key.before-restore-TIME``.
    Everybody's counter of writes is beyond whatever it was, so that devices start again instead of missing something.
    Returns what was in it, and False if there was a key that differs from the one set in the environment.

    Raises:
        BackupRefused: the database is not empty or of the other kind, or the backup is damaged or newer than this code.
    """
    with _workspace(Path(current_app.instance_path)) as work:
        manifest = _unpack(file, work)
        if manifest.revision not in schema.revisions():
            raise BackupRefused(
                f"The backup is at revision {manifest.revision}, which this code does not know; "
                f"restore it with Taskward {manifest.taskward} or newer."
            )
        if manifest.database != db.engine.dialect.name:
            raise BackupRefused(f"The backup is of {manifest.database}, DATABASE_URL names {db.engine.dialect.name}.")
        with db.read() as connection:
            if inspect(connection).get_table_names():
                raise BackupRefused("The database is not empty; restore into a new one (see DATABASE_URL).")
        _ENGINES[manifest.database].load(work / backup_files.DATABASES[manifest.database], progress)
        _outrun_what_was_lost()
        key = work / backup_files.SECRET_KEY
        return manifest, _install_key(key) if key.exists() else True


def before_migration() -> Path | None:
    """Back SQLite up as it is before a migration; keep the newest such backup of three revisions; return where it is.

    None for a new database, and for PostgreSQL, which is backed up apart from the machine that migrates.

    Raises:
        BackupRefused: it cannot be written.
    """
    if db.on_postgresql or (revision := schema.revision()) is None:
        return None
    folder, prefix = _folder(), f"before-upgrade-of-{revision}-"
    same = list(folder.glob(f"{prefix}*.tar"))
    made, _ = create(folder / f"{prefix}{utcnow():%Y%m%dT%H%M%S%fZ}.tar")
    others = sorted(set(folder.glob("before-upgrade-*.tar")).difference(same), key=lambda path: path.stat().st_mtime_ns)
    # An upgrade that fails over and over must not push out what was before the last one that did not.
    for old in (*same, *others[:-_SNAPSHOTS_KEPT]):
        old.unlink()
    return made


def _unpack(file: Path, work: Path) -> Manifest:
    manifest = backup_files.read(file, work)
    inside = _ENGINES[manifest.database].check(work / backup_files.DATABASES[manifest.database])
    if inside not in (None, manifest.revision):
        raise BackupRefused(f"The backup is damaged: it says revision {manifest.revision}, its database {inside}.")
    return manifest


def _outrun_what_was_lost() -> None:
    """Raise everybody's counter of writes to the time in milliseconds, and have all devices start again (410).

    A revision that was given to what came after the backup would otherwise be given again, to something else: a device
    would take the one for the other.
    """
    now = int(utcnow().timestamp() * 1000)
    with db.engine.begin() as connection:
        there = {column["name"] for column in inspect(connection).get_columns(User.__tablename__)}
        # An older schema may have one of them, or none.
        counters = {name: now for name in ("rev", "sync_floor") if name in there}
        if counters:
            connection.execute(update(User).where(User.rev < now).values(counters))


def _install_key(given: Path) -> bool:
    """Make the key that of the instance, unless the environment sets another one: then return False.

    The key it replaces is kept beside it: the database was empty, but the instance may have had another.
    """
    text, inside = given.read_text(errors="replace"), Path(current_app.instance_path) / "secret_key"
    if text == current_app.config["SECRET_KEY"]:
        return True
    if not inside.exists() or inside.read_text(errors="replace").strip() != current_app.config["SECRET_KEY"]:
        return False
    # Not a hard link, which some file systems do not have; in the private directory nobody else sees the copy.
    kept = Path(shutil.copy2(inside, given.with_name("kept")))
    kept.rename(inside.with_name(f"secret_key.before-restore-{utcnow():%Y%m%dT%H%M%S%fZ}"))
    given.rename(inside)
    return True


@contextmanager
def _workspace(parent: Path) -> Iterator[Path]:
    """Yield a private directory that is gone afterwards, whatever happens; put what the disk refuses into words."""
    told_to_end = None
    if in_main_thread := threading.current_thread() is threading.main_thread():
        told_to_end = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=_WORK) as work:
            yield Path(work)
    except OSError as error:
        file = str(error.filename or parent)
        # What was in the private directory is gone again, and its name helps nobody.
        raise BackupRefused(f"{parent if _WORK in file else file}: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise BackupRefused(f"SQLite says: {error}.") from error
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, told_to_end)


def _folder() -> Path:
    folder = Path(current_app.instance_path) / "backups"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BackupRefused(f"{folder}: {error.strerror}.") from error
    return folder
