"""Metrics of real processes: added up over all workers, also when one dies, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import ONE_DATABASE
from tests.ops.samples import BEARER, TOKEN, Samples, samples, value
from tests.programs import ROOT
from tests.servers import Server, children, free_port, start_server


def ask(url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Ask over a connection of its own."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module")
def workers(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn with two workers that has metrics."""
    env = environment | {"METRICS_TOKEN": TOKEN}
    yield from start_server(env, tmp_path_factory.mktemp("metrics") / "log")


def directory(process: int) -> Path:
    """Return the directory of counters that a process holds."""
    held = {link.readlink() for link in Path(f"/proc/{process}/fd").iterdir()}
    [found] = {path for path in held if path.name.startswith("taskward-counters-")}
    return found


@ONE_DATABASE
def test_totals_are_exact_over_all_workers_also_when_one_is_killed(app: Flask, workers: Server) -> None:
    def scraped() -> Samples:
        return samples(ask(f"{workers.url}/metrics", BEARER)[1])

    def total() -> float:
        return value(scraped(), "taskward_http_requests_total", method="GET", route="/login", status="200")

    def request(_: int) -> int:
        return ask(f"{workers.url}/login")[0]

    def connections() -> float:
        return value(scraped(), "taskward_database_connections_limit", pool="read")

    limit = 2 * (app.config["DATABASE_POOL_SIZE"] + 4)
    deadline = time.monotonic() + 20
    while connections() != limit:  # one worker may be ready before the other
        assert time.monotonic() < deadline
    before = total()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(request, range(100))) == {200}
    counted = {int(path.stem.rpartition("_")[2]) for path in directory(workers.process.pid).glob("histogram_*.db")}
    assert counted == set(children(workers.process.pid))  # each of them had some
    assert total() - before == 100
    victim = children(workers.process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 20
    # Gone is what it was doing; another takes its place.
    while victim in children(workers.process.pid) or connections() != limit:
        assert total() - before == 100
        assert time.monotonic() < deadline
    assert set(map(request, range(5))) == {200}
    assert total() - before == 105


@ONE_DATABASE
def test_a_process_that_has_only_just_made_its_file_takes_nothing_from_the_others(workers: Server) -> None:
    just_made = directory(workers.process.pid) / "histogram_1.db"
    just_made.touch()
    status, text = ask(f"{workers.url}/metrics", BEARER)
    just_made.unlink()
    assert status == 200
    assert value(samples(text), "taskward_database_up") == 1


LEFT_BEHIND = (
    "import config, sys; d = config.counters_directory(); open(f'{d}/counter_1.db', 'w'); print(d, flush=True)"
)


@ONE_DATABASE
def test_metrics_may_have_an_address_of_their_own_and_leave_nothing_behind(
    app: Flask, environment: dict[str, str], tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, "-c", LEFT_BEHIND], cwd=ROOT, capture_output=True, text=True, check=True)
    waiting = [sys.executable, "-c", f"{LEFT_BEHIND}; sys.stdin.read()"]
    with subprocess.Popen(waiting, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        left, others = Path(killed.stdout.strip()), Path(other.stdout.readline().strip())
        own = f"127.0.0.1:{free_port()}"
        with closing(start_server(environment | {"METRICS_BIND": own}, tmp_path / "log", workers=1)) as servers:
            server = next(servers)
            found = directory(server.process.pid)
            assert found.stat().st_mode & 0o777 == 0o700
            assert (left.exists(), others.exists(), found == others) == (False, True, False)
            status, text = ask(f"http://{own}/metrics")
            assert (status, value(samples(text), "taskward_database_up")) == (200, 1)
            assert ask(f"{server.url}/metrics")[0] == 404
            assert ask(f"{server.url}/metrics", {"Host": own})[0] == 404
            assert {ask(f"http://{own}{path}")[0] for path in ("/", "/login", "/healthz", "/api/openapi.json")} == {404}
        assert (found.exists(), others.exists()) == (False, True)
        other.communicate()
    for path in others.iterdir():
        path.unlink()
    others.rmdir()


@ONE_DATABASE
def test_commands_need_no_directory_of_counters(environment: dict[str, str]) -> None:
    env = os.environ | environment | {"METRICS_TOKEN": TOKEN, "METRICS_BIND": "127.0.0.1:9100"}
    command = "import os, wsgi; print('PROMETHEUS_MULTIPROC_DIR' in os.environ)"
    result = subprocess.run([sys.executable, "-c", command], cwd=ROOT, env=env, capture_output=True, check=True)
    assert (result.stdout, result.stderr) == (b"False\n", b"")
