"""Thousands of clients that connect and say nothing, or hardly anything, to the nginx of `deploy/nginx.conf`."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from statistics import quantiles

import pytest

from tests.faults.load import log
from tests.nginx_server import nginx_server, trusting
from tests.servers import Server

IDLE, SLOW = 10_000, 100
#: One for each connection, on both of its ends, and those of nginx to the application.
FILES = IDLE + SLOW + 500


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, and those it starts, open many files; skips nothing where that is not allowed: it fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _idle(port: int) -> Iterator[None]:
    with ExitStack() as stack:
        for number in range(IDLE):
            # One address has only so many ports.
            source = (f"127.0.1.{1 + number // 5000}", 0)
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20, source_address=source))
        yield


@contextmanager
def _slow(port: int, directory: Path) -> Iterator[None]:
    context = trusting(directory)
    with ExitStack() as stack:
        for _ in range(SLOW):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            connection = stack.enter_context(context.wrap_socket(plain))
            connection.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        yield


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("environment", ["sqlite"], indirect=True)
def test_ten_thousand_idle_connections_keep_nobody_waiting(server: Server, tmp_path: Path) -> None:
    backend = server.url.removeprefix("http://")
    with nginx_server(tmp_path, [backend, backend], connections=FILES + 100) as url:
        port = int(url.rpartition(":")[2])
        with _idle(port), _slow(port, tmp_path):
            times = []
            with closing(HTTPSConnection("127.0.0.1", port, context=trusting(tmp_path), timeout=30)) as connection:
                for _ in range(50):
                    started = time.monotonic()
                    connection.request("GET", "/login")
                    response = connection.getresponse()
                    response.read()
                    times.append(time.monotonic() - started)
                    assert response.status == 200
        log.info("%d idle, %d slow: median %.0f ms", IDLE, SLOW, quantiles(times, n=2)[0] * 1000)
        assert max(times) < 5
