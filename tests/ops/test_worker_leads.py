"""gunicorn's workers: one thread leads, and what takes long keeps nobody else waiting."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from app.extensions import db
from app.models import User
from tests.conftest import ONE_DATABASE
from tests.ops.conftest import HEALTH, Start, connect, status
from tests.people import Person
from tests.programs import run
from tests.servers import children

pytestmark = ONE_DATABASE

JSON = {"Content-Type": "application/json"}
STRANGER = '{"email": "nobody@example.org", "password": "whatever it is"}'


def test_requests_that_wait_for_the_database_keep_nobody_else_waiting(app: Flask, start: Start, alice: Person) -> None:
    server, headers = start(), alice.bearer()
    with ThreadPoolExecutor() as pool:
        with app.app_context():
            db.session.execute(update(User).values(name="held"))
            waiting = [
                pool.submit(status, server, "POST", alice.url("/tasks"), headers | JSON, '{"title": "Milk"}')
                for _ in range(2)
            ]
            time.sleep(0.2)
            for _ in range(20):
                assert status(server, "GET", "/api/me", headers) == 200
            assert not any(each.done() for each in waiting)
            db.session.rollback()
        assert [each.result() for each in waiting] == [201, 201]


def test_a_password_that_is_hashed_keeps_nobody_else_waiting(start: Start) -> None:
    nobody_is_slow = "import app.ops.worker\napp.ops.worker.LEAD = 8\n"
    server = start(nobody_is_slow, ARGON2_MEMORY_KIB="32768", ARGON2_TIME_COST="60")
    with ThreadPoolExecutor() as pool:
        signing_in = pool.submit(status, server, "POST", "/api/auth/login", JSON, STRANGER)
        time.sleep(0.1)
        assert status(server, "GET", "/healthz", {}) == 200
        time.sleep(0.1)
        assert not signing_in.done()
        assert signing_in.result() == 401


def test_who_hashes_passwords_lets_the_other_threads_go_first(start: Start) -> None:
    server = start()
    assert status(server, "POST", "/api/auth/login", JSON, STRANGER) == 401
    (worker,) = children(server.process.pid)
    tasks = [int(each.name) for each in Path(f"/proc/{worker}/task").iterdir()]
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    found = sorted(os.getpriority(os.PRIO_PROCESS, each) for each in tasks)
    assert found == [ours] * (len(tasks) - 1) + [min(ours + 5, 19)]


def test_requests_sent_together_are_answered_in_their_order(start: Start) -> None:
    with connect(start()) as connection:
        connection.sendall(HEALTH + HEALTH.replace(b"healthz", b"nothing") + HEALTH.replace(b"GET", b"POST"))
        received = b""
        while received.count(b"HTTP/1.1") < 3:
            data = connection.recv(65536)
            assert data
            received += data
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"404", b"405"]


def test_an_answer_arrives_although_the_client_sends_more_than_anybody_wants(start: Start) -> None:
    with connect(start()) as connection:
        connection.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n")
        for _ in range(7):
            connection.sendall(b"x" * 1_000_000)
        received = b""
        while data := connection.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 405")
    assert received.endswith(b"}")


def test_a_connection_left_open_is_good_for_one_more_request_of_a_server_told_to_end(start: Start) -> None:
    server = start()
    with connect(server) as connection:
        connection.sendall(HEALTH)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(HEALTH)
        received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        assert b"Connection: close" in received
    assert server.process.wait(timeout=20) == 0


def test_a_connection_without_requests_is_closed_and_makes_room_for_another(start: Start) -> None:
    server = start("keepalive = 1\nworker_connections = 4\n")
    idle = [connect(server) for _ in range(4)]
    with connect(server) as connection:
        started = time.monotonic()
        connection.sendall(HEALTH)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started > 0.5
    for each in idle:
        assert each.recv(1) == b""
        each.close()


@pytest.mark.parametrize(("sent", "seconds"), [(signal.SIGINT, 3), (signal.SIGTERM, 6)])
def test_a_server_told_to_end_waits_for_no_idle_connection(start: Start, sent: signal.Signals, seconds: int) -> None:
    server = start()
    with connect(server) as connection:
        connection.sendall(HEALTH)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        server.process.send_signal(sent)
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - started < seconds
    assert "Traceback" not in server.log.read_text()


# Just when it starts a thread in place of one whose request takes long, the worker is told to end.
_TOLD_WHILE_IT_STARTS_A_THREAD = """
def post_worker_init(worker):
    import os, signal, threading
    class Thread(threading.Thread):
        started = 0
        def start(self):
            Thread.started += 1
            if Thread.started == 2:
                os.kill(os.getpid(), signal.SIGQUIT)
            super().start()
    threading.Thread = Thread
"""


def test_a_worker_told_to_end_at_once_ends_whatever_it_is_at(app: Flask, start: Start, alice: Person) -> None:
    server, headers = start(_TOLD_WHILE_IT_STARTS_A_THREAD), alice.bearer() | {"Content-Type": "application/json"}
    [worker] = children(server.process.pid)
    with ThreadPoolExecutor() as pool, app.app_context():
        db.session.execute(update(User).values(name="held"))
        waiting = pool.submit(status, server, "POST", alice.url("/tasks"), headers, '{"title": "Milk"}')
        with pytest.raises(ConnectionError):
            waiting.result(timeout=5)
        db.session.rollback()
    deadline = time.monotonic() + 2  # its connections are closed before gunicorn hears that it has ended
    while worker in children(server.process.pid):
        assert time.monotonic() < deadline


def test_a_request_under_way_is_answered_by_a_server_told_to_end(app: Flask, start: Start, alice: Person) -> None:
    server, headers = start(), alice.bearer() | {"Content-Type": "application/json"}
    with ThreadPoolExecutor() as pool:
        with app.app_context():
            db.session.execute(update(User).values(name="held"))
            waiting = pool.submit(status, server, "POST", alice.url("/tasks"), headers, '{"title": "Milk"}')
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            db.session.rollback()
        assert waiting.result() == 201
    assert server.process.wait(timeout=20) == 0


def test_a_certificate_is_refused_with_the_reason(environment: dict[str, str]) -> None:
    refused = run("gunicorn", "-c", "gunicorn.conf.py", "--certfile", __file__, "wsgi:app", env=environment)
    assert refused.returncode == 1
    assert b"taskward: TLS is for the proxy" in refused.stderr
