"""What tests of backups share: make one, and look at every row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from app.extensions import db
from tests.databases import client_programs
from tests.installations import Environment, installation

POSTGRESQL = pytest.mark.parametrize("environment", ["postgresql"], indirect=True)

Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def another_like(environment: Environment, directory: Path, **variables: str) -> Iterator[Environment]:
    engine = "postgresql" if environment["DATABASE_URL"].startswith("postgresql") else "sqlite"
    given = {"SECRET_KEY": environment["SECRET_KEY"], "PG_BINDIR": client_programs()} | variables
    with installation(engine, directory, **given) as env:
        yield env


def command(app: Flask, *words: str | Path) -> Result:
    return app.test_cli_runner().invoke(args=[str(word) for word in words])


def made(app: Flask, file: Path, *options: str) -> Path:
    result = command(app, "backup", "create", "--output", file, *options)
    assert result.exit_code == 0, result.stderr
    return file


def rows(app: Flask) -> Rows:
    with app.app_context(), db.read() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in db.metadata.sorted_tables
        }
        version = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    return found | {"alembic_version": [tuple(row) for row in version]}


def program(directory: Path, name: str, script: str) -> None:
    """Make a program of a script for the shell."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)
