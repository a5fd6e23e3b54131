"""``flask doctor`` where the database is there and answers, but takes nothing."""

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine

from tests.conftest import Count, MakeApp
from tests.installations import Environment


def writing(app: Flask) -> dict[str, str]:
    result = app.test_cli_runner().invoke(args=["doctor", "--json"])
    found = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
    assert (result.exit_code == 1) == (found["writing"]["status"] == "fail")
    return dict(found["writing"])


@pytest.fixture
def locked(environment: Environment) -> Iterator[None]:
    """Some other program keeps the table of blocked tokens, or on SQLite everything, to itself."""
    engine = create_engine(environment["DATABASE_URL"])
    with engine.connect() as connection:
        on_postgresql = engine.dialect.name == "postgresql"
        connection.exec_driver_sql("LOCK TABLE blocked_tokens" if on_postgresql else "BEGIN IMMEDIATE")
        yield
        connection.rollback()
    engine.dispose()


def test_what_is_written_to_find_out_is_taken_back(app: Flask, count: Count) -> None:
    assert writing(app)["status"] == "ok"
    assert count("blocked_tokens") == 0


def test_a_database_that_may_only_be_read_is_found(make_app: MakeApp, read_only: dict[str, str]) -> None:
    found = writing(make_app(**read_only))
    assert found["status"] == "fail"
    assert "read" in found["finding"].lower()


@pytest.mark.usefixtures("locked")
def test_a_lock_that_keeps_everybody_from_writing_is_found(app: Flask) -> None:
    found = writing(app)
    assert found["status"] == "fail"
    assert "lock" in found["finding"]
    assert "the lock" in found["cure"]
