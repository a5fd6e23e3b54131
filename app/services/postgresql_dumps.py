"""PostgreSQL as one file, by the programs that come with it: ``pg_dump`` and ``pg_restore``."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import current_app
from psycopg2.extensions import make_dsn  # type: ignore[import-untyped]
from sqlalchemy import text

from app.extensions import db
from app.services.errors import BackupRefused

_WHOSE = ("--no-owner", "--no-privileges", "--no-password")


def examine() -> int:
    """Return of which PostgreSQL the programs are; they can dump the server's database and restore it.

    Raises:
        BackupRefused: one of them is missing, or too old.
    """
    return min(_version("pg_dump"), _version("pg_restore"))


def dump(file: Path, progress: Callable[[float], None]) -> None:
    """Write the database as it is at this moment, in the custom format, while others go on writing.

    Raises:
        BackupRefused: there is no pg_dump, it is older than the server, or it fails.
    """
    _version("pg_dump")
    _run("pg_dump", "--format=custom", *_WHOSE, f"--file={file}", database=True)
    progress(1)


def check(file: Path) -> None:
    """Let a dump pass of which pg_restore can read the table of contents.

    Raises:
        BackupRefused: it cannot, or there is no pg_restore.
    """
    _run("pg_restore", "--list", str(file))


def load(file: Path, progress: Callable[[float], None]) -> None:
    """Fill the empty database in one transaction.

    Raises:
        BackupRefused: there is no pg_restore, or it fails.
    """
    _run("pg_restore", "--exit-on-error", "--single-transaction", *_WHOSE, str(file), database=True)
    progress(1)


def _version(program: str) -> int:
    """Return of which PostgreSQL the program is, unless the server is newer."""
    with db.read() as connection:
        server: int = connection.scalar(text("SELECT current_setting('server_version_num')::integer / 10000"))
    found = re.search(r"(\d+)", _run(program, "--version"))
    if found and int(found[1]) < server:
        raise BackupRefused(
            f"{program} is of PostgreSQL {found[1]}, the server of {server}: "
            f"install postgresql-client-{server}, or set PG_BINDIR to where its programs are."
        )
    return int(found[1]) if found else server


def _run(program: str, *arguments: str, database: bool = False) -> str:
    """Run a program to its end, connected to our database if it is to be; return what it prints."""
    path = shutil.which(program, path=current_app.config["PG_BINDIR"])
    if path is None:
        where = current_app.config["PG_BINDIR"] or "PATH"
        raise BackupRefused(f"{program} is not in {where}: install postgresql-client, or set PG_BINDIR.")
    with tempfile.NamedTemporaryFile("w", prefix="taskward-") as passwords:
        # Everybody can see the arguments of a process: the password goes through a file that only we can read.
        if database:
            _, parameters = db.engine.dialect.create_connect_args(db.engine.url)
            if password := parameters.pop("password", None):
                escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
                passwords.write(f"*:*:*:*:{escaped}\n")
                passwords.flush()
                parameters["passfile"] = passwords.name
            arguments = (*arguments, f"--dbname={make_dsn(**parameters)}")
        result = subprocess.run([path, *arguments], capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 - no shell, our own arguments
    if result.returncode:
        # The first line of the error says what happened; those after it may repeat rows.
        lines = [line for line in result.stderr.splitlines() if "error:" in line] or [f"{program}: failed"]
        raise BackupRefused(lines[0])
    return result.stdout
