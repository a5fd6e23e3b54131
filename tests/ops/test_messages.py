"""gunicorn's requests, whose headers are read once: as if they were read each time."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeaderName

from app.ops import messages
from tests.conftest import ONE_DATABASE
from tests.servers import Server

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port or 80), timeout=10) as connection:
        yield connection


def parsed(*requests: bytes) -> list[Any]:
    parser = messages.KnownParser(Config(), iter(requests), ("127.0.0.1", 50000))
    return [next(parser) for _ in requests]


@ONE_DATABASE
def test_every_request_of_a_connection_has_its_own_headers(server: Server) -> None:
    with connected(server) as connection:
        for name in (b"first", b"second", b"first", b"third"):
            connection.sendall(HEAD + b"X-Request-Id: " + name + b"\r\n\r\n")
            assert b"X-Request-Id: " + name + b"\r\n" in connection.recv(65536)


def test_headers_that_are_the_same_are_read_once_and_others_anew() -> None:
    first, again, other = parsed(*(HEAD + b"X-A: %d\r\n\r\n" % number for number in (1, 1, 2)))
    assert again.headers is first.headers
    assert first.headers == [("HOST", "localhost"), ("X-A", "1")]
    assert other.headers == [("HOST", "localhost"), ("X-A", "2")]


def test_what_was_good_in_a_head_is_not_good_in_a_trailer() -> None:
    assert parsed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    [request] = parsed(CHUNKED + b"Host: localhost\r\n\r\n")
    with pytest.raises(InvalidHeaderName):
        request.body.read()


def test_every_client_that_waits_to_go_on_is_told_to() -> None:
    request = HEAD + b"Expect: 100-continue\r\n\r\n"
    assert [each._expected_100_continue for each in parsed(request, request)] == [True, True]


def test_neither_secrets_of_clients_nor_long_heads_nor_more_than_a_thousand_are_kept() -> None:
    for kept in (b"Authorization: Basic Y2xpZW50OnNlY3JldA==", b"X-Long: " + b"x" * 5000):
        first, again = parsed(*[HEAD + kept + b"\r\n\r\n"] * 2)
        assert again.headers == first.headers
        assert again.headers is not first.headers
    for number in range(1100):
        parsed(HEAD + b"X-A: %d\r\n\r\n" % number)
    assert len(messages._read) <= 1024
