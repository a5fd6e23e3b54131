"""A gunicorn with one worker, whose threads are soon all in use."""

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.programs import ROOT
from tests.servers import Server, start_server

Start = Callable[..., Server]
THREADS = 3
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a gunicorn with one worker of three threads; settings are as a configuration file has them."""
    running = []

    def begin(settings: str = "", **variables: str) -> Server:
        file = tmp_path / "gunicorn.conf.py"
        file.write_text(f"{(ROOT / 'gunicorn.conf.py').read_text()}\n{settings}\n")
        everything = environment | {"THREADS": str(THREADS)} | variables
        running.append(start_server(everything, tmp_path / "log", workers=1, settings=str(file)))
        return next(running[-1])

    yield begin
    for each in running:
        each.close()


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((str(address.hostname), address.port or 80), timeout=20)


def status(server: Server, method: str, path: str, headers: dict[str, str], body: str | None = None) -> int:
    address = urlsplit(server.url)
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
