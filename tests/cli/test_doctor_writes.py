"""``flask doctor`` where the database is there and answers, but takes nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from tests.cli.conftest import Doctor
from tests.cli.findings import faults
from tests.conftest import Count
from tests.installations import Environment


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


def test_what_is_written_to_find_out_is_taken_back(doctor: Doctor, count: Count) -> None:
    assert doctor()["writing"]["status"] == "ok"
    assert count("blocked_tokens") == 0


def test_a_database_that_may_only_be_read_is_found(doctor: Doctor, read_only: dict[str, str]) -> None:
    found = doctor(**read_only)
    assert faults(found) == {"writing": "fail"}
    assert "read" in found["writing"]["finding"].lower()


@pytest.mark.usefixtures("locked")
def test_a_lock_that_keeps_everybody_from_writing_is_found(doctor: Doctor) -> None:
    found = doctor()
    assert faults(found) == {"writing": "fail"}
    assert "lock" in found["writing"]["finding"]
    assert "the lock" in found["writing"]["cure"]
