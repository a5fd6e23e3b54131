"""gunicorn's workers: who takes a connection."""

import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import ONE_DATABASE
from tests.programs import ROOT
from tests.servers import Server, children, start_server

CONNECTIONS = 24


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A gunicorn with two workers that leave connections to each other for longer: other tests keep them waiting."""
    settings = tmp_path / "gunicorn.conf.py"
    settings.write_text(f"{(ROOT / 'gunicorn.conf.py').read_text()}\nimport app.ops.worker as w\nw.PRECEDENCE = 0.1\n")
    yield from start_server(environment, tmp_path / "log", settings=str(settings))


@contextmanager
def _connected(server: Server, number: int = CONNECTIONS) -> Iterator[None]:
    """Open connections at once, and leave them open meanwhile."""
    address = urlsplit(server.url)
    opened = [http.client.HTTPConnection(str(address.hostname), address.port, timeout=20) for _ in range(number)]
    with ExitStack() as stack:
        for connection in opened:
            stack.callback(connection.close)
            connection.connect()
        for connection in opened:
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
        yield


def _wait_for_two_workers(server: Server) -> None:
    """Wait until two take connections; none is left open."""
    deadline = time.monotonic() + 20
    with ExitStack() as stack:
        while len([number for number in _held(server).values() if number]) < 2:
            assert time.monotonic() < deadline
            stack.enter_context(_connected(server, 1))
    while sum(_held(server).values()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _held(server: Server) -> Counter[int]:
    """Count the connections of each worker, as the kernel knows them."""
    port = urlsplit(server.url).port
    ours = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] in ("01", "08"):  # open, or left by us
            ours.add(f"socket:[{fields[9]}]")
    return Counter(
        {worker: sum(_target(each) in ours for each in _files(worker)) for worker in children(server.process.pid)}
    )


def _files(process: int) -> list[Path]:
    return list(Path(f"/proc/{process}/fd").iterdir())


def _target(file: Path) -> str:
    try:
        return os.readlink(file)
    except OSError:  # closed meanwhile
        return ""


@ONE_DATABASE
def test_workers_share_the_connections_that_stay_open(workers: Server) -> None:
    for number in (0, 1):
        _wait_for_two_workers(workers)
        with _connected(workers):
            assert min(_held(workers).values()) >= CONNECTIONS // 3
            # One that is killed does not count any more.
            killed = children(workers.process.pid)[number]
            os.kill(killed, signal.SIGKILL)
            while killed in children(workers.process.pid):
                time.sleep(0.01)
