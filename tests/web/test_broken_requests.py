"""Requests that are broken below HTTP's surface: found by breaking in, kept as tests."""

import io
import json
import socket
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import Person
from tests.servers import Server

pytestmark = ONE_DATABASE

HOSTS = ["x" * 64 + ".example", "a..b", ".", "-", "é" * 70, "[::1", "a b", "a/b", "x" * 3000]
PATHS = ["/", "/login", "/nothing", "/api/me", "/api/nothing", "/oauth/token", "/healthz"]


@in_turn("path", PATHS)
@in_turn("host", HOSTS, ids=range(len(HOSTS)))
def test_a_host_that_is_no_name_is_no_fault_of_ours(app: Flask, client: FlaskClient, host: str, path: str) -> None:
    app.testing = False
    try:
        response = client.get(path, headers={"Host": host})
    finally:
        app.testing = True
    assert response.status_code < 500
    assert response.headers["X-Content-Type-Options"] == "nosniff"


CHUNKS = {
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative number": b"-2\r\n{}\r\n0\r\n\r\n",
    "another notation": b"0x2\r\n{}\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a wrong end": b"2\r\n{}XX0\r\n\r\n",
    "a bad trailer": b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n",
}


@in_turn("path", ["/api/auth/login", "/oauth/token", "/login"])
@in_turn("chunks", CHUNKS.values(), ids=CHUNKS)
def test_a_broken_chunked_body_is_no_fault_of_ours(server: Server, path: str, chunks: bytes) -> None:
    address = urlsplit(server.url)
    kind = "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", "Transfer-Encoding: chunked", "", "")
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert b" 4" in answer or answer == b"", answer


@in_turn("path", ["/login", "/oauth/token", "/tasks", "/account/data/feed", "/account/data/import"])
def test_a_form_of_thousands_of_fields_is_413(client: FlaskClient, path: str) -> None:
    kind = "application/x-www-form-urlencoded"
    assert client.post(path, data=b"a&" * 1000, content_type=kind).status_code == 413
    assert client.post(path, data=b"a&" * 200_000, content_type=kind).status_code == 413
    assert client.post(path, data=b"a&" * 999, content_type=kind).status_code in (400, 401)


UNREADABLE = {
    "a request line": b"GET /?token=SECRET WORDS HTTP/1.1\r\n\r\n",
    "a request line with an apostrophe": b"GET /?token='SECRET WORDS HTTP/1.1\r\n\r\n",
    "a method": b"SECRET@WORD /?token=SECRET HTTP/1.1\r\n\r\n",
    "a version": b"GET /?token=SECRET HTTP/SECRET\r\n\r\n",
    "a header": b"GET / HTTP/1.1\r\nAuthorization Bearer SECRET\r\n\r\n",
    "a header's name": b"GET / HTTP/1.1\r\nSECRET NAME: x\r\n\r\n",
    "a header's value": b"GET / HTTP/1.1\r\nAuthorization: Bearer\0SECRET\r\n\r\n",
    "a transfer coding": b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: SECRET\r\n\r\n",
}


@pytest.mark.proves("ASVS 16.2.5")
@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_of_a_request_that_cannot_be_read_nothing_is_logged_but_that_it_came(server: Server, sent: bytes) -> None:
    before = server.log.stat().st_size
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nUser-Agent: before\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=30) as connection:
        connection.sendall(sent)
        assert connection.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 501")
    lines = [json.loads(line) for line in server.log.read_bytes()[before:].splitlines()]
    (told,) = [line for line in lines if line["event"].startswith("Invalid request from ip=127.0.0.1: ")]
    assert told["level"] == "warning"
    assert not told.keys() & {"request_id", "user_agent", "ip"}  # of whoever that thread answered before
    assert "SECRET" not in json.dumps(lines)


FORMS = {
    "/login": {"email": "a@example.org", "password": "x", "next": "/tasks"},
    "/register": {"email": "a@example.org", "password": "x", "name": "A", "timezone": "UTC", "next": "/tasks"},
    "/tasks": {"title": "x", "notes": "n", "due_date": "2026-12-01", "due_time": "10:00", "tags": "a"},
    "/tasks?": {"title": "x", "priority": "low", "back": "/tasks"},
    "/tasks/{task}": {"title": "x", "priority": "low", "rev": "1", "completed": "y", "back": "/tasks"},
    "/tasks/{task}/complete": {"back": "/tasks"},
    "/account/profile": {"name": "A", "timezone": "UTC"},
    "/account/email": {"email": "new@example.org"},
    "/account/confirm": {"password": "x", "next": "/tasks"},
    "/account/password": {"current_password": "x", "new_password": "y"},
    "/account/delete": {"password": "x", "confirm": "y"},
}


@in_turn("path", FORMS)
def test_a_file_where_text_belongs_is_no_fault_of_ours(app: Flask, alice: Person, path: str) -> None:
    path_of_task = path.replace("{task}", alice.make_task()["id"])
    signed_out = path in ("/login", "/register")
    browser = Browser(app, None if signed_out else alice)
    page = browser.get(path if signed_out else "/account").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    app.testing = False
    try:
        for name in ("csrf_token", *FORMS[path]):
            form: dict[str, object] = {"csrf_token": token} | FORMS[path]
            form[name] = (io.BytesIO(str(form[name]).encode()), "a.txt")
            answer = browser.send(path_of_task, form)
            assert answer.status_code < 500, name
            assert name != "csrf_token" or answer.status_code == 400
    finally:
        app.testing = True


@pytest.mark.parametrize("line", ["GET https://evil.example HTTP/1.1", "GET https://evil.example? HTTP/1.1"])
def test_no_redirect_names_the_host_of_the_request(server: Server, line: str) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=10) as connection:
        connection.sendall(f"{line}\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0]
    assert b"evil" not in head
    assert b"\r\nLocation: /login" in head


def test_only_the_front_page_ends_in_a_slash(app: Flask) -> None:
    # Werkzeug redirects to such a path, by the host of the request.
    assert [rule.rule for rule in app.url_map.iter_rules() if rule.rule.endswith("/")] == ["/"]
