"""gunicorn's workers: who takes a connection."""

import http.client
import os
import signal
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import ONE_DATABASE
from tests.servers import Server, children

CONNECTIONS = 24


def _connected(server: Server, number: int = CONNECTIONS) -> list[http.client.HTTPConnection]:
    """Open connections at once, and leave them open."""
    address = urlsplit(server.url)
    opened = [http.client.HTTPConnection(str(address.hostname), address.port, timeout=20) for _ in range(number)]
    for connection in opened:
        connection.connect()
    for connection in opened:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    return opened


def _close(opened: list[http.client.HTTPConnection]) -> None:
    for connection in opened:
        connection.close()


def _wait_for_two_workers(server: Server) -> None:
    """Wait until two take connections; none is left open."""
    deadline, opened = time.monotonic() + 20, []
    while len([number for number in _held(server).values() if number]) < 2:
        assert time.monotonic() < deadline
        opened += _connected(server, 1)
    _close(opened)
    while sum(_held(server).values()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _held(server: Server) -> Counter[int]:
    """Count the connections of each worker, as the kernel knows them."""
    port = urlsplit(server.url).port
    ours = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "01":  # established
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
def test_workers_share_the_connections_that_stay_open(server: Server) -> None:
    for killed in (0, 1):
        _wait_for_two_workers(server)
        opened = _connected(server)
        assert min(_held(server).values()) >= CONNECTIONS // 3
        # One that is killed does not count any more.
        worker = children(server.process.pid)[killed]
        os.kill(worker, signal.SIGKILL)
        while worker in children(server.process.pid):
            time.sleep(0.01)
        _close(opened)
    _wait_for_two_workers(server)  # as the tests after this one have them
