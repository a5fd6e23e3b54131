"""One JSON line for each request, with its id, and nothing in it that is nobody's business."""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import insert, select

from app.extensions import db
from app.models import SecurityEvent, Task
from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.people import PASSWORD, Person

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def quiet(make_app: MakeApp, alice: Person, capsys: pytest.CaptureFixture[str]) -> Flask:
    """An application that logs, with nothing logged so far."""
    app = make_app(LOG_LEVEL="info")
    capsys.readouterr()
    return app


@pytest.fixture
def lines(quiet: Flask, capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return what was logged since the last time, each line read as JSON."""

    def read() -> list[dict[str, Any]]:
        written = capsys.readouterr()
        assert written.out == ""
        return [json.loads(line) for line in written.err.splitlines()]

    return read


def test_a_request_is_one_line(quiet: Flask, alice: Person, lines: Lines) -> None:
    response = quiet.test_client().get("/api/me", headers=alice.bearer() | {"User-Agent": "curl/8.14.1"})
    (line,) = lines()
    assert line.pop("ms") >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/api/me",
        "status": 200,
        "user_id": alice.id,
        "ip": "127.0.0.1",
        "user_agent": "curl/8.14.1",
        "request_id": response.headers["X-Request-Id"],
    }


@ONE_DATABASE
@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/api/users/{id}/tasks/{id}", "/api/users/<uuid:user_id>/tasks/<uuid:task_id>", 401),
        ("GET", "/api/nothing/secret", None, 404),
        ("GET", "/secret", None, 404),
        ("DELETE", "/healthz", None, 405),
        ("GET", "/healthz", "/healthz", 200),
        ("GET", "/static/nothing", "/static/<path:filename>", 404),
        ("POST", "/login", "/login", 400),
        ("POST", "/oauth/token", "/oauth/token", 400),
    ],
)
def test_the_line_names_the_route_and_not_the_address(
    quiet: Flask, lines: Lines, method: str, path: str, route: str | None, status: int
) -> None:
    address = path.format(id="01900000-0000-7000-8000-000000000000")
    quiet.test_client().open(f"{address}?q=secret&token=secret", method=method)
    written = lines()
    (line,) = [each for each in written if each["event"] == "request"]
    assert (line["method"], line["route"], line["status"], line["user_id"]) == (method, route, status, None)
    assert "secret" not in json.dumps(written)
    assert "01900000" not in line["request_id"] + str(line["route"])


def test_nothing_secret_is_logged_on_the_way_from_login_to_logout(quiet: Flask, alice: Person, lines: Lines) -> None:
    client = quiet.test_client()
    pair = client.post("/api/auth/login", json={"email": alice.email, "password": PASSWORD}).get_json()
    pair = client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}).get_json()
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    tasks = alice.url("/tasks")
    body = {"title": "Private title", "notes": "Private notes", "tags": ["privatetag"]}
    assert client.post(tasks, json=body, headers=bearer).status_code == 201
    assert client.get(f"{tasks}?q=Private&tag=privatetag", headers=bearer).status_code == 200
    assert client.post(tasks, json={"title": "Private", "private": 1}, headers=bearer).status_code == 422
    assert client.post("/oauth/revoke", data={"token": pair["refresh_token"]}).status_code == 200
    assert client.get("/api/me", headers=bearer).status_code == 401
    assert client.post("/api/auth/login", json={"email": alice.email, "password": "Private guess"}).status_code == 401
    written = lines()
    assert [line["route"] for line in written if line["event"] == "request"] == [
        "/api/auth/login",
        "/api/auth/refresh",
        *["/api/users/<uuid:user_id>/tasks"] * 3,
        "/oauth/revoke",
        "/api/me",
        "/api/auth/login",
    ]
    text = json.dumps(written)
    for secret in (PASSWORD, "rivate", alice.email, pair["access_token"], pair["refresh_token"], "eyJ"):
        assert secret not in text
    assert {"authn_login_success", "authn_login_fail"} <= {line["event"] for line in written}


def test_a_fault_is_reported_under_its_request_without_what_was_sent(quiet: Flask, lines: Lines) -> None:
    quiet.testing = False

    def fail() -> None:
        password = "Private password"
        raise RuntimeError(len(password))

    quiet.add_url_rule("/api/boom", "boom", fail)
    response = quiet.test_client().get(
        "/api/boom?q=Private", json={"password": "Private"}, headers={"Authorization": "Bearer Private"}
    )
    report, line = lines()
    assert (report["level"], report["request_id"]) == ("error", response.headers["X-Request-Id"])
    assert report["exception"][0]["exc_type"] == "RuntimeError"
    assert (line["event"], line["status"], line["request_id"]) == ("request", 500, report["request_id"])
    assert "Private" not in json.dumps([report, line])


def test_a_row_that_the_database_refuses_is_not_reported(quiet: Flask, alice: Person, lines: Lines) -> None:
    quiet.testing = False

    def fail() -> None:
        row = {"id": uuid4(), "user_id": UUID(alice.id), "title": "Private\nrow", "title_sort": None, "rev": 1}
        db.session.execute(insert(Task.__table__).values(row))

    quiet.add_url_rule("/api/boom", "boom", fail)
    assert quiet.test_client().get("/api/boom").status_code == 500
    report, _ = lines()
    assert report["exception"][0]["exc_type"] == "IntegrityError"
    assert "title_sort" in json.dumps(report)
    assert "Private" not in json.dumps(report)


@ONE_DATABASE
def test_control_characters_in_a_header_forge_no_line(quiet: Flask, lines: Lines) -> None:
    forged = 'x\r\n{"event":"request"}\x1b[2J\0\x85'
    quiet.test_client().get("/healthz", environ_overrides={"HTTP_USER_AGENT": forged, "HTTP_X_REQUEST_ID": forged})
    (line,) = lines()
    assert line["user_agent"] == 'x{"event":"request"}[2J'


@ONE_DATABASE
def test_a_long_header_is_cut(quiet: Flask, lines: Lines) -> None:
    quiet.test_client().get("/healthz", headers={"User-Agent": "x" * 5000})
    (line,) = lines()
    assert line["user_agent"] == "x" * 256


def test_one_request_leaves_nothing_in_the_line_of_the_next(quiet: Flask, alice: Person, lines: Lines) -> None:
    client = quiet.test_client()
    client.get("/api/me", headers=alice.bearer() | {"User-Agent": "first"})
    client.get("/healthz", headers={"User-Agent": "second"})
    first, second = lines()
    assert first["user_id"] == alice.id
    assert second["user_id"] is None
    assert second["user_agent"] == "second"
    assert first["request_id"] != second["request_id"]


@ONE_DATABASE
@pytest.mark.parametrize("level", ["warning", "error"])
def test_lines_below_the_level_are_left_out(make_app: MakeApp, capsys: pytest.CaptureFixture[str], level: str) -> None:
    app = make_app(LOG_LEVEL=level)
    app.test_client().get("/healthz")
    assert capsys.readouterr().err == ""


@ONE_DATABASE
@pytest.mark.parametrize("given", ["a", "req-1.A_b", "0" * 64, "550e8400-e29b-41d4-a716-446655440000"])
def test_a_request_id_that_is_safe_is_taken_over(quiet: Flask, lines: Lines, given: str) -> None:
    response = quiet.test_client().get("/api/me", headers={"X-Request-Id": given})
    assert response.headers["X-Request-Id"] == given
    assert response.get_json()["request_id"] == given
    assert lines()[-1]["request_id"] == given


@ONE_DATABASE
@in_turn(
    "given",
    ["", " ", "a b", "a\nb", "a\n", "a\r\nX-Evil: 1", "a\0", "0" * 65, "\u00e9", "\u0661", '"', "<b>", "a/b", "a;b"],
)
def test_a_request_id_that_is_not_is_replaced(quiet: Flask, lines: Lines, given: str) -> None:
    raw = given.encode().decode("latin-1")
    response = quiet.test_client().get("/api/me", environ_overrides={"HTTP_X_REQUEST_ID": raw})
    made = response.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert lines()[-1]["request_id"] == made


def test_security_events_carry_the_id_of_their_request(quiet: Flask, alice: Person) -> None:
    headers = {"X-Request-Id": "login-1"}
    body = {"email": alice.email, "password": "not the right one"}
    assert quiet.test_client().post("/api/auth/login", json=body, headers=headers).status_code == 401
    with quiet.app_context(), db.read() as connection:
        assert "login-1" in connection.scalars(select(SecurityEvent.request_id)).all()
