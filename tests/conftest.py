"""Fixtures: every test that asks for a database runs on SQLite and on PostgreSQL.

The application, its database and a gunicorn in front of it live as long as the worker; the rows go after each test.
"""

import gc
import os
import secrets
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from coverage import Coverage
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event, text
from structlog.contextvars import clear_contextvars
from werkzeug.routing import Rule

import config
from app import create_app
from app.extensions import db
from app.services import keys
from tests import leaks
from tests.asked import asked
from tests.databases import create_database, drop_database, postgresql_server
from tests.people import Person, make_person
from tests.servers import Server, start_server

ENGINES = ("sqlite", "postgresql")
#: Bytes that the files of a run need, with a million tasks among them.
ROOM = 2 << 30
#: Files with tests of more than ten seconds, besides the browser's.
LONG = {"test_key_workers", "test_scale", "test_schemathesis", "test_sign_in_model"}
# A tenth of the run would be hashing. Tests of the hash name the work they want.
LITTLE_WORK = {"ARGON2_MEMORY_KIB": 8, "ARGON2_TIME_COST": 1}

#: For what is decided before a database is asked: the second one would show nothing new.
ONE_DATABASE = pytest.mark.parametrize("environment", ["sqlite"], indirect=True)
#: For what may be a fault only where a database takes less than the other: this one minds NUL, and how long a text is.
STRICT_DATABASE = pytest.mark.parametrize("environment", ["postgresql"], indirect=True)

MakeApp = Callable[..., Flask]
Count = Callable[[str], int]


def _remember_how_addresses_are_built() -> None:
    """Let Werkzeug compile the function that builds the addresses of a route once, not in each application.

    It depends on nothing but the route, and takes five sixths of the time in which an application is made.
    """
    compile_builder, compiled = Rule._compile_builder, {}

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once, before the workers that inherit its address; watch what is logged."""
    config.pluginmanager.register(leaks)
    _remember_how_addresses_are_built()
    if not hasattr(config, "workerinput"):
        _keep_temporary_files_in_memory()
        postgresql_server()


def _keep_temporary_files_in_memory() -> None:
    """Let this run, and what it starts, make its files where there is no disk, unless TMPDIR says where.

    SQLite syncs every commit: on disk the run takes half as long again.
    """
    memory = "/dev/shm"  # noqa: S108 - for mkdtemp() and its like
    if not os.access(memory, os.W_OK):
        return
    there = os.statvfs(memory)
    # Programs are among the files: those of PostgreSQL, for a user who may enter no directory of ours.
    if there.f_bavail * there.f_frsize > ROOM and not there.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("TMPDIR", memory)
        tempfile.tempdir = None  # asked for by pytest already


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: some tests mostly wait."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that no process is left with one of them when the others are done.

    A process first gets a quarter of its share in one portion. The first process starts a browser, and the others need
    none; the second one's portion begins with the other long tests.
    """
    items.sort(key=lambda item: 2 if "/browser/" not in item.nodeid else "postgresql" in item.name)
    long = [item for item in items if item.path.stem in LONG]
    short = [item for item in items if item.path.stem not in LONG]
    portion = len(items) // getattr(config, "workerinput", {"workercount": 1})["workercount"] // 4
    items[:] = short[:portion] + long + short[portion:]


def pytest_collection_finish() -> None:
    """Leave thousands of collected tests, and all modules, to the end of the run, not to every garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage on one database only: being traced costs half as much as the tests themselves."""
    tracer = Coverage.current() if "postgresql" in item.name else None
    if tracer:
        tracer.stop()
    outcome = yield
    if tracer:
        tracer.start()
    return outcome


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
