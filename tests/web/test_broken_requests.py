"""Requests that are broken below HTTP's surface: found by breaking in, kept as tests."""

import socket
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.servers import Server

HOSTS = ["x" * 64 + ".example", "a..b", ".", "-", "é" * 70, "[::1", "a b", "a/b", "x" * 3000]
PATHS = ["/", "/login", "/nothing", "/api/me", "/api/nothing", "/oauth/token", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", HOSTS, ids=range(len(HOSTS)))
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


@pytest.mark.parametrize("path", ["/api/auth/login", "/oauth/token", "/login"])
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_a_broken_chunked_body_is_no_fault_of_ours(server: Server, path: str, chunks: bytes) -> None:
    address = urlsplit(server.url)
    kind = "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", "Transfer-Encoding: chunked", "", "")
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert b" 4" in answer or answer == b"", answer
