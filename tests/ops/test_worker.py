"""gunicorn's workers: who takes a connection."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ONE_DATABASE
from tests.connections import connected, held, wait_for_two_workers
from tests.programs import ROOT
from tests.servers import Server, children, start_server

CONNECTIONS = 24


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A gunicorn with two workers that leave connections to each other for longer: other tests keep them waiting."""
    settings = tmp_path / "gunicorn.conf.py"
    settings.write_text(f"{(ROOT / 'gunicorn.conf.py').read_text()}\nimport app.ops.balance as b\nb.PRECEDENCE = 0.1\n")
    yield from start_server(environment, tmp_path / "log", settings=str(settings))


@ONE_DATABASE
def test_workers_share_the_connections_that_stay_open(workers: Server) -> None:
    for number in (0, 1):
        wait_for_two_workers(workers)
        deadline = time.monotonic() + 20
        while sum(held(workers).values()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with connected(workers, CONNECTIONS):
            assert min(held(workers).values()) >= CONNECTIONS // 3
            # One that is killed does not count any more.
            killed = children(workers.process.pid)[number]
            os.kill(killed, signal.SIGKILL)
            while killed in children(workers.process.pid):
                time.sleep(0.01)
