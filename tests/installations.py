"""Installations of their own, for tests that break or replace what the fixtures share."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import make_url

import config
from app import create_app
from app.extensions import db
from tests import programs
from tests.databases import create_database, drop_database, postgresql_server
from tests.programs import ROOT

Environment = dict[str, str]


@contextmanager
def installation(engine: str, directory: Path, **variables: str) -> Iterator[Environment]:
    """Yield the environment variables of an installation whose database is empty, without a schema."""
    env = {"INSTANCE_PATH": str(directory), "SECRET_KEY": secrets.token_urlsafe(32), "LOG_LEVEL": "info"}
    env["MAINTENANCE"] = "0"
    if engine == "sqlite":
        env["DATABASE_URL"] = f"sqlite:///{directory / 'taskward.db'}"
        yield env | variables
        return
    name = f"taskward_{secrets.token_hex(8)}"
    env["DATABASE_URL"] = create_database(postgresql_server(), name)
    try:
        yield env | variables
    finally:
        drop_database(postgresql_server(), name)


@contextmanager
def opened(env: Environment, *, migrated: bool = True) -> Iterator[Flask]:
    """Yield the application of an installation, over a database with the schema unless told otherwise."""
    app = create_app(config.load(env))
    with app.app_context():
        if migrated:
            upgrade(str(ROOT / "migrations"))
    yield app
    with app.app_context():
        db.dispose()


def migrate(env: Environment) -> None:
    """Give the database of an installation its schema, without the start of a program."""
    with opened(env):
        pass


def destroy_database(app: Flask, env: Environment) -> None:
    """Take the database away, as if its server or its disk had gone."""
    with app.app_context():
        db.dispose()
    url = make_url(env["DATABASE_URL"])
    if url.drivername.startswith("postgresql"):
        drop_database(postgresql_server(), str(url.database))
        return
    path = Path(str(url.database))
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.mkdir()


def remove_database_directory(env: Environment) -> None:
    """Make room again for a database where `destroy_database` took it away."""
    shutil.rmtree(str(make_url(env["DATABASE_URL"]).database))


def run(env: Environment, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python module with its arguments, such as ``flask db upgrade``, to its end."""
    result = programs.run(*command, env=os.environ | env)
    return subprocess.CompletedProcess(command, result.returncode, result.stdout.decode(), result.stderr.decode())
