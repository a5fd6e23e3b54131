"""gunicorn's workers: clients that try to keep all threads, and faults that must not end a worker."""

import signal
import socket
import time
import urllib.request

import pytest

from tests.conftest import ONE_DATABASE
from tests.ops.conftest import HEALTH, THREADS, Start, connect
from tests.servers import Server, children, impatience

pytestmark = ONE_DATABASE

UPLOAD = b"Content-Type: application/json\r\nContent-Length: 500000\r\n\r\n"
BUSY = 8
IMPATIENT = impatience(1)
BREAKS = """
def post_worker_init(worker):
    ours = worker.wsgi
    def parts():
        yield b"x"
        raise LookupError("in the middle of an answer")
    def wsgi(environ, start_response):
        if environ["PATH_INFO"] != "/breaks":
            return ours(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts()
    worker.wsgi = wsgi
"""


def assert_healthy(server: Server, within: float = BUSY) -> None:
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=within) as response:
        assert response.status == 200


def test_whoever_is_told_to_go_on_and_never_listens_keeps_no_thread(start: Start) -> None:
    server = start(IMPATIENT)
    told = HEALTH.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    clients = []
    for number in range(30):
        client = connect(server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0.2)
        clients.append(client)
        first = HEALTH.replace(b"healthz", b"x" * (1 + number))  # so that something else of it finds no more room
        try:
            client.sendall(first + told * 400)
        except (TimeoutError, ConnectionError):
            continue
    assert_healthy(server)
    for client in clients:
        client.close()


def test_whoever_sends_half_of_the_next_request_with_each_keeps_nobody_waiting(start: Start) -> None:
    server = start("")
    clients = [connect(server) for _ in range(THREADS)]
    for client in clients:
        client.sendall(HEALTH + HEALTH[:1])
    for _ in range(2):
        for client in clients:
            client.sendall(HEALTH[1:] + HEALTH[:1])
        time.sleep(0.3)
    deadline = time.monotonic() + BUSY
    with connect(server) as other:
        other.sendall(HEALTH)
        other.settimeout(0.5)
        answer = b""
        while not answer:
            assert time.monotonic() < deadline
            for client in clients:
                client.sendall(HEALTH[1:] + HEALTH[:1])
            try:
                answer = other.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()


def test_much_that_was_sent_at_once_buys_no_silence(start: Start) -> None:
    server = start(IMPATIENT)
    started = time.monotonic()
    with connect(server) as client:
        client.sendall(HEALTH[:-2] + b"X-A: y\r\n" * 90 + b"X-B: " + b"x" * 800_000)  # eight seconds of PACE
        while client.recv(65536):
            pass
    assert time.monotonic() - started < 6


def test_whoever_goes_on_sending_after_the_answer_is_cut_off_and_keeps_no_idle_connection_open(start: Start) -> None:
    server = start("keepalive = 1")
    with connect(server) as idle, connect(server) as client:
        client.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        idle.sendall(HEALTH)
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        for _ in range(BUSY * 100):
            try:
                client.sendall(b"x")
            except ConnectionError:
                break
            time.sleep(0.01)
        else:
            pytest.fail("nobody has cut it off")
        assert idle.recv(1) == b""


def test_an_answer_that_breaks_off_ends_no_worker(start: Start) -> None:
    server = start(BREAKS)
    [worker] = children(server.process.pid)
    with connect(server) as kept, connect(server) as broken:
        kept.sendall(HEALTH)
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        broken.sendall(HEALTH.replace(b"healthz", b"breaks"))
        received = b""
        while data := broken.recv(65536):
            received += data
        assert received.endswith(b"1\r\nx\r\n")
        time.sleep(0.1)  # while the client keeps its side open
        kept.sendall(HEALTH)
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
    time.sleep(2.5)
    assert_healthy(server)
    assert children(server.process.pid) == [worker]


def test_more_clients_than_files_end_no_worker(start: Start) -> None:
    server = start("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))")
    [worker] = children(server.process.pid)
    clients = [connect(server) for _ in range(60)]
    time.sleep(0.5)
    for client in clients:
        client.close()
    assert_healthy(server)
    assert children(server.process.pid) == [worker]


def test_a_worker_whose_threads_are_all_kept_ends_when_it_is_told_to(start: Start) -> None:
    server = start("graceful_timeout = 1\ntimeout = 3")
    [worker] = children(server.process.pid)
    clients = [connect(server) for _ in range(THREADS)]
    for client in clients:
        client.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\n" + UPLOAD)
    time.sleep(0.3)
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 25
    while worker in children(server.process.pid):
        assert time.monotonic() < deadline
        for client in clients:
            try:
                client.sendall(b"x" * 1000)
            except OSError:
                continue
        time.sleep(0.1)
    for client in clients:
        client.close()
    assert_healthy(server)
