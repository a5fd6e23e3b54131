"""Whether the database's schema is the one this code was written for."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.extensions import db

_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def revisions() -> tuple[str | None, str | None]:
    """Return the revision of the database (None: it was never migrated) and the one this code needs."""
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    with db.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found, ScriptDirectory.from_config(configuration).get_current_head()
