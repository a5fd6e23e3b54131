"""Whether the database's schema is the one this code was written for."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.extensions import db

_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def complaint() -> str | None:
    """Return what is wrong with the schema and what to do, in one line, or None if it is current."""
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    scripts = ScriptDirectory.from_config(configuration)
    needed = scripts.get_current_head()
    with db.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == needed:
        return None
    if found is None:
        return "the database has no schema yet; run: flask db upgrade"
    if found in {script.revision for script in scripts.walk_revisions()}:
        return f"the database is at revision {found}, this code needs {needed}; run: flask db upgrade"
    return f"the database is at revision {found}, which this code does not know; run the newer Taskward that made it"
