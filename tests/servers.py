"""A real gunicorn for tests."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.programs import Program


@dataclass
class Server:
    """A running gunicorn: its address, its log, its process."""

    url: str
    log: Path
    process: Program


def free_port() -> int:
    """Return a TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    environment: dict[str, str], log: Path, workers: int = 2, settings: str = "gunicorn.conf.py"
) -> Iterator[Server]:
    """Run gunicorn over an installation until the generator is closed."""
    port = free_port()
    env = os.environ | environment | {"PORT": str(port), "WEB_CONCURRENCY": str(workers)}
    env["PUBLIC_URL"] = environment.get("PUBLIC_URL", "http://127.0.0.1:8000")
    command = ("gunicorn", "-c", settings, "wsgi:app")
    with log.open("wb") as output, Path(os.devnull).open("r+b") as null:
        process = Program(*command, env=env, stdin=null, stdout=null, stderr=output)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url, process, log)
            yield Server(url, log, process)
        finally:
            end_at_once(process)


def impatience(seconds: float) -> str:
    """Return lines of a configuration for gunicorn: one that gives clients up that send or take nothing for so long."""
    return f"""
import socket
from app.ops import sockets
sockets.PATIENCE = {seconds}
sockets.PACE = 100_000

# Little is to be enough to fill what the kernel keeps for a connection.
begin = sockets.PacedSocket.expect_request
def begin_with_a_small_buffer(self):
    self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    begin(self)
sockets.PacedSocket.expect_request = begin_with_a_small_buffer
"""


def end_at_once(process: Program) -> None:
    """End a gunicorn that nobody needs any more; SIGTERM leaves open connections two seconds for one more request."""
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        # A worker that had just been forked misses the signal, and would be waited for for half a minute.
        for worker in children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        process.wait(timeout=40)


def children(process: int) -> list[int]:
    """Return the processes that a process has started and that still run, such as gunicorn's workers."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def wait_until_ready(url: str, process: "Program | subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server answers that it is ready; raises RuntimeError with its log if it does not."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"gunicorn ended with {process.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"gunicorn did not get ready:\n{log.read_text()}")
