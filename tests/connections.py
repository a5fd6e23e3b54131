"""Connections that stay open, and which worker of a server has them."""

import http.client
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers import Server, children


@contextmanager
def connected(server: Server, number: int) -> Iterator[None]:
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


def wait_for_two_workers(server: Server) -> None:
    """Wait until two have taken connections, and close these."""
    deadline = time.monotonic() + 20
    with ExitStack() as stack:
        while len([number for number in held(server).values() if number]) < 2:
            assert time.monotonic() < deadline
            stack.enter_context(connected(server, 1))
            time.sleep(0.01)  # the second worker may not be there yet


def held(server: Server) -> Counter[int]:
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
