"""Fixtures: every test that asks for a database runs on SQLite and on PostgreSQL.

The application, its database and a gunicorn in front of it live as long as the worker; the rows go after each test.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import create_engine, event, make_url, text
from structlog.contextvars import clear_contextvars

import config
from app import create_app
from app.extensions import db
from app.services import keys
from tests import leaks
from tests.asked import asked
from tests.databases import create_database, drop_database, postgresql_server
from tests.people import Person, make_person
from tests.servers import Server, start_server

pytest_plugins = ["tests.pace"]

ENGINES = ("sqlite", "postgresql")
# A tenth of the run would be hashing. Tests of the hash name the work they want.
LITTLE_WORK = {"ARGON2_MEMORY_KIB": 8, "ARGON2_TIME_COST": 1}

#: For what is decided before a database is asked: the second one would show nothing new.
ONE_DATABASE = pytest.mark.parametrize("environment", ["sqlite"], indirect=True)
#: For what may be a fault only where a database takes less than the other: this one minds NUL, and how long a text is.
STRICT_DATABASE = pytest.mark.parametrize("environment", ["postgresql"], indirect=True)

MakeApp = Callable[..., Flask]
Count = Callable[[str], int]


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Replace pytest-flask's: one context around a whole test would share `g` and the session between requests."""


@pytest.fixture(scope="session", params=ENGINES)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, testrun_uid: str, worker_id: str
) -> Iterator[dict[str, str]]:
    """The environment variables of an installation with a database of its own, migrated."""
    instance = tmp_path_factory.mktemp(request.param)
    env = {"INSTANCE_PATH": str(instance), "SECRET_KEY": secrets.token_urlsafe(32), "LOG_LEVEL": "info"}
    env["MAINTENANCE"] = "0"  # what a test plants stays until the test asks
    env["RATE_LIMIT"] = "0"  # tests are many requests; those about the limit ask for one
    if request.param == "postgresql":
        name = f"taskward_{testrun_uid}_{worker_id}"
        env["DATABASE_URL"] = create_database(postgresql_server(), name)
    else:
        env["DATABASE_URL"] = f"sqlite:///{instance / 'taskward.db'}"
    app = create_app(config.load(env))
    with app.app_context():
        upgrade(str(Path(__file__).parents[1] / "migrations"))
        db.dispose()
    yield env
    if request.param == "postgresql":
        drop_database(postgresql_server(), name)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """The templates compiled once for the worker, not by each application that a test makes."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def installation(environment: dict[str, str], compiled: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The application, made once for the worker and the database."""
    app = create_app(config.load(environment) | LITTLE_WORK)
    app.testing = True
    app.jinja_env.bytecode_cache = compiled
    yield app
    with app.app_context():
        db.dispose()


@pytest.fixture
def app(installation: Flask) -> Iterator[Flask]:
    """The application over an empty database; what the event log holds in the end is no secret."""
    clear_contextvars()  # the address of the last test's last request would be where this one's people live
    yield installation
    with installation.app_context(), db.engine.begin() as connection:
        events = [str(row) for row in connection.execute(text("SELECT * FROM security_events"))]
        emptied = [f"DELETE FROM {table.name}" for table in reversed(db.metadata.sorted_tables)]  # noqa: S608
        # To PostgreSQL in one round trip; SQLite's driver takes one statement at a time.
        for statement in emptied if db.engine.dialect.name == "sqlite" else [";".join(emptied)]:
            connection.exec_driver_sql(statement)
        keys.forget()
    leaks.watch(events, "a security event")


@pytest.fixture
def make_app(app: Flask, environment: dict[str, str], compiled: FileSystemBytecodeCache) -> Iterator[MakeApp]:
    """Make another application over the same database, with other environment variables."""
    made = []

    def make(**variables: str) -> Flask:
        work = {} if variables.keys() & LITTLE_WORK.keys() else LITTLE_WORK
        another = create_app(config.load(environment | variables) | work)
        another.testing = True
        another.jinja_env.bytecode_cache = compiled
        made.append(another)
        return another

    yield make
    for another in made:
        with another.app_context():
            db.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that keeps cookies and is signed in nowhere."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Runs ``flask`` commands."""
    return app.test_cli_runner()


@pytest.fixture
def alice(app: Flask) -> Person:
    """Somebody who owns things."""
    return make_person(app, "alice@example.org", name="Alice")


@pytest.fixture
def bob(app: Flask) -> Person:
    """The stranger."""
    return make_person(app, "bob@example.org", name="Bob")


@pytest.fixture(scope="session")
def gunicorn(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn with two workers over the same database, started once."""
    yield from start_server(environment, tmp_path_factory.mktemp("gunicorn") / "log")


@pytest.fixture
def server(app: Flask, gunicorn: Server) -> Iterator[Server]:
    """A gunicorn with two workers over the same, empty database; what it logs is no secret."""
    before = gunicorn.log.stat().st_size
    yield gunicorn
    leaks.watch([gunicorn.log.read_bytes()[before:].decode()], "the log")


@pytest.fixture
def count(app: Flask) -> Count:
    """Count the rows of a table."""

    def rows(table: str) -> int:
        with app.app_context(), db.read() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608

    return rows


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every SQL statement sent to the database from here on."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    with app.app_context():
        engines = db.engine, db.reader
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    with asked(lambda statement, _: sent.append(statement)):
        yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time that stands still until it is moved."""
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def read_only(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Variables that name the same database, of which only reading is allowed."""
    url = make_url(environment["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///file:{url.database}?mode=ro&uri=true"}
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on'))
        yield {}
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.execute(text(f'ALTER DATABASE "{url.database}" RESET default_transaction_read_only'))
    engine.dispose()
