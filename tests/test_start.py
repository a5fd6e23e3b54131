"""Starting and stopping the real server process."""

import http.client
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url, text

from app.extensions import db
from tests.conftest import ENGINES
from tests.installations import Environment, installation, opened, run
from tests.servers import Server, free_port, start_server

GUNICORN = ("gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")


@pytest.fixture(params=ENGINES)
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environment]:
    """An installation of its own, without a schema, for one worker."""
    variables = {"WEB_CONCURRENCY": "1", "PORT": str(free_port())}
    with installation(request.param, tmp_path, **variables) as variables:
        yield variables


def _refusal(env: Environment) -> str:
    """Start the server, which has to end at once with one line, and return that."""
    result = run(env, *GUNICORN)
    assert result.returncode != 0
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


# Each refusal on one database: the commands refuse by the same rule, which tests/cli/ tries on the others.
@pytest.mark.parametrize("env", ["postgresql"], indirect=True)
def test_a_database_without_a_schema_is_not_served(env: Environment) -> None:
    url = make_url(env["DATABASE_URL"]).set(password="HIDDEN").update_query_dict({"password": "HIDDEN"})
    line = _refusal(env | {"DATABASE_URL": url.render_as_string(hide_password=False)})
    assert line.startswith("taskward: the database has no schema yet (postgresql")
    assert str(url.database) in line
    assert "HIDDEN" not in line
    assert "flask db upgrade" in line


@pytest.mark.parametrize(
    ("env", "revision", "advice"),
    [
        pytest.param("sqlite", "0001", "run: flask db upgrade", id="older"),
        pytest.param("postgresql", "from_the_future", "run the newer Taskward", id="unknown"),
    ],
    indirect=["env"],
)
def test_a_database_of_another_revision_is_not_served(env: Environment, revision: str, advice: str) -> None:
    with opened(env) as app, app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    line = _refusal(env)
    assert line.startswith(f"taskward: the database is at revision {revision}, ")
    assert advice in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/none"),
        ("WEB_CONCURRENCY", "0"),
        ("INSTANCE_PATH", "/dev/null/instance"),
    ],
)
def test_a_bad_variable_is_named_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    with installation("sqlite", tmp_path) as variables:
        line = _refusal(variables | {name: value})
    assert line.startswith("taskward: ")
    assert name in line or "the database cannot be used" in line


def test_a_file_that_is_no_database_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taskward.db").write_text("These are my notes, not a database.\n" * 100)
    with installation("sqlite", tmp_path) as variables:
        assert _refusal(variables).startswith("taskward: the database")


def test_a_command_names_a_bad_variable_in_one_line_too(tmp_path: Path) -> None:
    with installation("sqlite", tmp_path, LOG_LEVEL="loud") as variables:
        result = run(variables, "flask", "--app", "wsgi", "db", "current")
    assert result.returncode != 0
    assert result.stderr.strip().splitlines() == [
        "taskward: LOG_LEVEL: accepts debug or info or warning or error, not 'loud'"
    ]


@contextmanager
def _serving(env: Environment, directory: Path) -> Iterator[Server]:
    with closing(start_server(env, directory / "log", workers=1)) as servers:
        yield next(servers)


def _ask(server: Server, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    with closing(connection):
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def test_once_upgraded_it_is_served_and_stops_when_asked(env: Environment, tmp_path: Path) -> None:
    result = run(env, "flask", "--app", "wsgi", "db", "upgrade")
    assert result.returncode == 0, result.stderr
    with _serving(env, tmp_path) as server:
        account = {"email": "alice@example.org", "password": "correct horse battery staple"}
        assert _ask(server, "POST", "/api/auth/register", account)[0] == 201
        assert _ask(server, "POST", "/api/auth/login", account)[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"/api/auth/register", "/api/auth/login"} <= {line.get("route") for line in lines}


def test_a_request_in_flight_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    # A hash with these parameters takes about a second, and an unknown address costs two of them at first.
    slow = {"ARGON2_TIME_COST": "60"}
    login = {"email": "nobody@example.org", "password": "correct horse battery staple"}
    with (
        installation("sqlite", tmp_path, **slow) as env,
        opened(env),
        _serving(env, tmp_path) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(_ask, server, "POST", "/api/auth/login", login)
        with pytest.raises(TimeoutError):
            answer.result(timeout=0.3)
        server.process.send_signal(signal.SIGTERM)
        status, body = answer.result(timeout=30)
        assert (status, json.loads(body)["title"]) == (401, "Unauthorized")
        assert server.process.wait(timeout=20) == 0
        with pytest.raises(ConnectionRefusedError):
            _ask(server, "GET", "/healthz")
