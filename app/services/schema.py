"""Whether the database's schema is the one this code was written for."""

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.extensions import db

_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def mismatch() -> str | None:
    """Return what is wrong with the schema and what to do, in one line, or None if it is current."""
    needed, *_ = known = revisions()
    found = revision()
    if found == needed:
        return None
    if found is None:
        url = db.reader.url.set(query={})  # where a password may be, which the rest is shown without
        return f"the database has no schema yet ({url.render_as_string()}); run: flask db upgrade"
    if found in known:
        return f"the database is at revision {found}, this code needs {needed}; run: flask db upgrade"
    return f"the database is at revision {found}, which this code does not know; run the newer Taskward that made it"


def revision() -> str | None:
    """Return the revision of the database, None if it has no schema."""
    with db.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def revisions() -> tuple[str, ...]:
    """Return the revisions that this code knows, newest first."""
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    return tuple(script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions())
