"""SQLite as one file: copied by its online backup API, checked, and copied back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from app.extensions import db
from app.services.errors import BackupRefused

# Between two pieces the progress is told.
_PAGES = 1000


def dump(file: Path, progress: Callable[[float], None]) -> None:
    """Copy the database as it is at this moment, while others go on writing.

    Raises:
        BackupRefused: it is damaged.
    """
    try:
        _copy(file, progress)
        check(file)  # pages are copied as they are, whatever is in them
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"The database cannot be copied: {error}.") from error
    except BackupRefused as error:
        raise BackupRefused(f"{error} It was not kept: it could not be restored.") from error


def _copy(file: Path, progress: Callable[[float], None]) -> None:
    with db.read() as connection, closing(sqlite3.connect(file)) as copy:
        source: Any = connection.connection.driver_connection
        # One view of the data from the first page to the last: otherwise each write of another process would make the
        # copy begin again.
        source.execute("BEGIN")
        try:
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=_PAGES, progress=_told(progress))
        finally:
            source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")  # everything in the one file


def check(file: Path) -> str | None:
    """Return the revision of a copy that is whole.

    Raises:
        BackupRefused: it is damaged, or holds code that would run when it is used.
    """
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as copy:
            copy.execute("PRAGMA trusted_schema=OFF")
            copy.execute("PRAGMA cell_size_check=ON")
            if copy.execute("SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')").fetchone():
                raise BackupRefused("The database in the backup holds views or triggers; Taskward has none.")
            if copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise BackupRefused("The database in the backup is damaged.")
            if copy.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupRefused("The database in the backup is damaged: rows refer to nothing.")
            found = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise BackupRefused("The database in the backup is damaged.") from error
    return str(found[0]) if found else ""


def load(file: Path, progress: Callable[[float], None]) -> None:
    """Copy the file into the empty database, in one transaction of SQLite's."""
    with db.read() as connection, closing(sqlite3.connect(file)) as copy:
        copy.backup(connection.connection.driver_connection, pages=_PAGES, progress=_told(progress))  # type: ignore[arg-type]
    db.dispose()


def _told(progress: Callable[[float], None]) -> Callable[[int, int, int], None]:
    return lambda _status, left, total: progress((total - left) / max(total, 1))
