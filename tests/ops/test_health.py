"""What supervisors and load balancers ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from tests.conftest import ENGINES
from tests.installations import installation, opened


@pytest.fixture(params=ENGINES)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application over a migrated database of its own."""
    with installation(request.param, tmp_path) as env, opened(env) as app:
        yield app


def test_the_process_says_it_is_alive_without_asking_the_database(client: FlaskClient, statements: list[str]) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})
    assert statements == []


def test_a_current_schema_is_ready(client: FlaskClient, statements: list[str]) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})
    assert statements != []


@pytest.mark.parametrize(
    "difference",
    [
        "UPDATE alembic_version SET version_num = '0000'",
        "UPDATE alembic_version SET version_num = 'from_the_future'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
def test_another_schema_is_not_ready_but_alive(own: Flask, difference: str) -> None:
    client = own.test_client()
    assert client.get("/readyz").status_code == 200
    with own.app_context(), db.engine.begin() as connection:
        connection.execute(text(difference))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.content_type == "application/problem+json"
    assert "another schema" in response.get_json()["detail"]
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_for_everybody_and_sets_no_cookie(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Authorization": "Bearer nonsense"})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
