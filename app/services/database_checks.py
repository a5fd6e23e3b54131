"""Checks of the database, each about one thing; None: it does not apply here."""

import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from flask import current_app
from sqlalchemy import func, insert, make_url, select, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import config
from app.extensions import db
from app.models import BlockedToken, SecurityEvent, utcnow
from app.services import pools, postgresql_dumps, schema, signing_keys
from app.services.errors import BackupRefused
from app.services.findings import Finding, fail, ok, warn

#: File systems whose locks and shared memory reach one machine only, or none.
_NETWORKED = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse.", "ncpfs")
_MOUNTS = Path("/proc/self/mountinfo")


def sqlite_file() -> Finding | None:
    """Can SQLite's file be written, and by nobody else? It is not opened: closing it would end SQLite's locks."""
    path = _file()
    if path is None:
        return None
    own = f"Give {path.parent} and all that is in it to the user that runs Taskward (uid {os.geteuid()})."
    if not path.exists():
        return fail(f"there is no {path}", "Run: flask db upgrade; or correct DATABASE_URL.")
    for each in (path.parent, path):
        if not os.access(each, os.R_OK | os.W_OK, effective_ids=True):
            return fail(f"{each} is not writable; SQLite keeps two more files beside the database", own)
    if (kind := filesystem(path)).startswith(_NETWORKED):
        cure = "Move it to a disk of this machine, or use PostgreSQL."
        return warn(f"{path} is on a network file system ({kind}), on which SQLite's locks do not hold", cure)
    if path.stat().st_mode & 0o077 and path.parent.stat().st_mode & 0o011:
        return warn(f"others can read {path}", f"Run: chmod 600 {path}*")
    return ok(f"{path}, {path.stat().st_size / 1_000_000:.1f} MB on {kind or 'an unknown file system'}")


def reachable() -> Finding:
    """Does the database answer?"""
    sqlite = not db.on_postgresql
    try:
        with db.read() as connection:
            version = connection.execute(text("SELECT sqlite_version()" if sqlite else "SHOW server_version")).scalar()
            started = time.perf_counter()
            connection.execute(text("SELECT 1"))
            took = (time.perf_counter() - started) * 1000
            wal = not sqlite or connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    except (DBAPIError, PoolTimeout) as error:
        postgresql = "Start PostgreSQL, let this machine in by its pg_hba.conf, or correct DATABASE_URL."
        cure = "Look at what is said about its file." if sqlite else postgresql
        return fail(f"it does not answer: {_reason(error)}", cure)
    if not wal:
        cure = "Move the file to a disk of this machine, whose file system can share memory between processes."
        return warn("SQLite cannot use WAL here: whoever writes keeps all others waiting", cure)
    return ok(f"{'SQLite' if sqlite else 'PostgreSQL'} {version}, answered in {took:.1f} ms")


def integrity() -> Finding | None:
    """Is SQLite's file whole?"""
    if db.on_postgresql:
        return None
    cure = "Stop the server and restore the latest backup that is whole: flask backup verify, flask backup restore."
    try:
        with db.read() as connection:
            whole = connection.execute(text("PRAGMA quick_check(1)")).scalar() == "ok"
    except OperationalError:
        raise  # locked, or not to be read: that says nothing about what is in it
    except DatabaseError:
        whole = False
    return ok("the file is whole") if whole else fail("the file is damaged", cure)


def connections() -> Finding | None:
    """Does PostgreSQL allow as many connections as the workers may want?"""
    if not db.on_postgresql:
        return None
    with db.read() as connection:
        reserved = "current_setting('superuser_reserved_connections')::int"
        allowed = connection.execute(text(f"SELECT current_setting('max_connections')::int - {reserved}")).scalar_one()
    workers = config.server()["workers"]
    needed = workers * 2 * pools.limit()
    if needed > allowed:
        return warn(
            f"the {workers} workers of this server may want {needed} connections, PostgreSQL allows {allowed} to all",
            f"Raise max_connections, or lower DATABASE_POOL_SIZE (now {current_app.config['DATABASE_POOL_SIZE']}).",
        )
    return ok(f"the {workers} workers of this server want {needed} at most, PostgreSQL allows {allowed} to all servers")


def backups() -> Finding | None:
    """Could PostgreSQL be backed up from here, and restored?"""
    if not db.on_postgresql:
        return None
    try:
        version = postgresql_dumps.examine()
    except BackupRefused as error:
        finding, _, cure = str(error).partition(": ")
        return warn(f"no backup can be made from here: {finding}", cure[0].upper() + cure[1:])
    return ok(f"pg_dump and pg_restore are those of PostgreSQL {version}")


def revision() -> Finding:
    """Is the schema the one that this code was written for?"""
    mismatch = schema.mismatch()
    if mismatch is None:
        return ok("the schema is that of this code")
    finding, _, cure = mismatch.partition("; ")
    return fail(finding, cure[0].upper() + cure[1:])


def writing() -> Finding:
    """Can something be written, within two seconds? It is taken back."""
    patience = "SET lock_timeout = 2000" if db.on_postgresql else "PRAGMA busy_timeout = 2000"
    try:
        with db.engine.connect() as connection:
            connection.detach()  # whoever gets the pool's next one may wait longer
            connection.connection.cursor().execute(patience)
            connection.execute(insert(BlockedToken).values(jti=f"doctor {uuid4()}", expires_at=utcnow()))
            connection.rollback()
    except (DBAPIError, PoolTimeout) as error:
        postgresql = "Let DATABASE_URL name the primary server, or end what holds the lock: see pg_stat_activity."
        sqlite = "End the program that holds the lock, or let the file be written."
        return fail(f"nothing can be written: {_reason(error)}", postgresql if db.on_postgresql else sqlite)
    return ok("a row was written, and taken back")


def clock() -> Finding:
    """Do this machine, the database and what was written agree about the time?"""
    leeway = timedelta(seconds=current_app.config["JWT_DECODE_LEEWAY"])
    cure = "Set the clock, and keep it right with NTP (timedatectl set-ntp true) on every machine."
    before = utcnow()
    newest = select(SecurityEvent.created_at).order_by(SecurityEvent.id.desc()).limit(1)
    with db.read() as connection:
        if db.on_postgresql:
            theirs = connection.execute(select(func.clock_timestamp())).scalar_one()
            # Its answer was on the way for part of the time between.
            apart = max(before - theirs, theirs - utcnow(), timedelta(0))
            if apart > leeway:
                return fail(f"this machine and the database are {apart.total_seconds():.0f} s apart", cure)
        written = connection.execute(newest).scalar()
    if written is not None and written - utcnow() > leeway:
        ahead = (written - utcnow()).total_seconds()
        return fail(f"the newest event was written {ahead:.0f} s in the future: a clock was set back", cure)
    return ok("this machine, the database and the newest event agree")


def keys() -> Finding:
    """Can the signing keys be read?"""
    found = signing_keys.members()
    if unreadable := sum(member.status == "unreadable" for member in found):
        return fail(
            f"SECRET_KEY does not open {unreadable} of the signing keys",
            "Set SECRET_KEY to the value under which they were made, or retire them; see: flask keys list",
        )
    signing = next(member for member in found if member.status == "signing")
    return ok(f"tokens are signed with {signing.algorithm}")


def filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the type of the file system that holds ``path``, such as ext4; empty where the system does not say."""
    if not mounts.exists():
        return ""
    found = {}
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        # Blanks in the name of a directory are written as \040.
        found[Path(before.split()[4].encode().decode("unicode_escape"))] = after.split()[0]
    return next((found[each] for each in (path, *path.parents) if each in found), "")


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().partition("\n")[0]


def _file() -> Path | None:
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return None
    return Path(url.database).resolve()
