"""Processes that end, kindly or not, while people are at work."""

import signal
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.load import Load, account, log
from tests.installations import installation, migrate
from tests.people import Person
from tests.servers import Server, start_server

KILLS = 5
WORKERS = 2


def test_no_acknowledged_write_is_lost_when_one_worker_after_the_other_is_killed(server: Server, alice: Person) -> None:
    master = psutil.Process(server.process.pid)
    with Load(server.url, alice.id, alice.access_token) as load:
        load.wait_for(50)
        for _ in range(KILLS):
            victim = master.children()[0]
            victim.kill()
            while victim in master.children() or len(master.children()) < WORKERS:
                time.sleep(0.05)
            load.wait_for(20)
    assert server.process.poll() is None
    assert 503 not in load.statuses
    load.account(f"{KILLS} workers killed")


def test_a_server_told_to_stop_has_answered_every_write_that_it_did(tmp_path: Path) -> None:
    with installation("sqlite", tmp_path, RATE_LIMIT="0") as env:
        migrate(env)
        with contextmanager(start_server)(env, tmp_path / "log") as server:
            tokens = account(server.url)
            with Load(server.url, tokens["user_id"], tokens["access_token"], threads=8) as load:
                load.wait_for(100)
                server.process.send_signal(signal.SIGTERM)
                assert server.process.wait(timeout=20) == 0
        with contextmanager(start_server)(env, tmp_path / "log2", workers=1) as server:
            load.url = server.url
            kept = load.kept()
    log.info("SIGTERM: acknowledged %d, done %d", len(load.acknowledged), len(kept))
    assert kept == set(load.acknowledged)
