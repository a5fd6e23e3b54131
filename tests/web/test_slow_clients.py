"""Clients that send or read slowly, or not at all, against a real gunicorn with a second's patience."""

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests import leaks
from tests.conftest import ONE_DATABASE
from tests.people import Person
from tests.programs import ROOT
from tests.servers import Server, impatience, start_server

pytestmark = ONE_DATABASE

PATIENCE = 0.5
#: Seconds that a busy machine may add; for ever is longer.
BUSY = 8
#: More of them than one worker has threads.
MANY = 5
SETTINGS = f"exec(open({str(ROOT / 'gunicorn.conf.py')!r}).read())\n{impatience(PATIENCE)}"
JSON = b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
FORM = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "half a request line": b"GET /heal",
    "half a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "half a body": JSON + b"Content-Length: 50\r\n\r\n{",
    "half a form": FORM + b"Content-Length: 5000\r\n\r\ncsrf_token=",
    "half a chunk": JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "no chunk": JSON + b"Transfer-Encoding: chunked\r\n\r\n",
    "half a body that nobody reads": b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{",
}


@pytest.fixture(scope="module")
def impatient(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn with one worker and a few threads that soon gives up."""
    directory = tmp_path_factory.mktemp("impatient")
    (directory / "settings.py").write_text(SETTINGS)
    variables = environment | {"THREADS": str(MANY - 1)}
    yield from start_server(variables, directory / "log", workers=1, settings=str(directory / "settings.py"))


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((str(address.hostname), address.port or 80), timeout=30)


def read(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def healthy(server: Server) -> float:
    """Return after how many seconds the server says it is healthy."""
    started = time.monotonic()
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=30) as response:
        assert response.status == 200
    return time.monotonic() - started


def written(server: Server) -> str:
    log = server.log.read_text()
    leaks.watch([log], "the log")
    return log


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_a_request_that_does_not_come_in_is_given_up_without_a_fault_of_ours(impatient: Server, sent: bytes) -> None:
    before = len(written(impatient))
    started = time.monotonic()
    with connect(impatient) as connection:
        connection.sendall(sent)
        answer = read(connection)
    assert time.monotonic() - started < PATIENCE + BUSY
    assert answer == b"" or answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 405", b"HTTP/1.1 408"), answer
    assert "Traceback" not in written(impatient)[before:]
    assert '"level": "error"' not in written(impatient)[before:]


def test_one_byte_at_a_time_buys_no_time(impatient: Server) -> None:
    started = time.monotonic()
    with connect(impatient) as connection:
        connection.settimeout(0.05)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        while time.monotonic() - started < 2 * BUSY:
            try:
                connection.sendall(b"a")
                if not connection.recv(1):
                    break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
    assert time.monotonic() - started < PATIENCE + BUSY


def test_more_idle_clients_than_threads_do_not_stop_the_service(impatient: Server) -> None:
    connections = [connect(impatient) for _ in range(MANY)]
    for connection in connections:
        connection.sendall(SLOW["half a header"])
    assert healthy(impatient) < PATIENCE + BUSY
    for connection in connections:
        connection.close()


def test_clients_that_do_not_close_their_side_keep_nobody_waiting(impatient: Server) -> None:
    connections = [connect(impatient) for _ in range(MANY - 1)]
    started = time.monotonic()
    for connection in connections:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    for connection in connections:
        assert read(connection).startswith(b"HTTP/1.1 200")
    # For each of them gunicorn would wait two seconds, one after the other.
    assert time.monotonic() - started < 2 * (MANY - 1)
    for connection in connections:
        connection.close()


def test_answers_that_nobody_reads_do_not_stop_the_service(impatient: Server, alice: Person) -> None:
    for _ in range(15):
        alice.make_task(notes="x" * 20_000)
    before = len(written(impatient))
    lines = f"GET {alice.url('/tasks?limit=200')} HTTP/1.1", f"Authorization: Bearer {alice.access_token}"
    connections = [connect(impatient) for _ in range(MANY)]
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall("\r\n".join((*lines, "Host: localhost", "", "")).encode())
    assert healthy(impatient) < PATIENCE + BUSY
    assert "Traceback" not in written(impatient)[before:]
    for connection in connections:
        connection.close()


def test_whoever_is_slow_but_steady_is_served(impatient: Server) -> None:
    body = json.dumps({"email": "nobody@example.org", "password": "x" * 400_000}).encode()
    with connect(impatient) as connection:
        connection.sendall(JSON + f"Content-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 50_000):
            time.sleep(0.08)
            connection.sendall(body[start : start + 50_000])
        connection.shutdown(socket.SHUT_WR)
        assert read(connection).startswith(b"HTTP/1.1 422")


def test_an_answer_comes_in_one_piece_and_one_without_a_body_at_once(impatient: Server) -> None:
    with connect(impatient) as connection:
        for _ in range(20):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert json.loads(body) == {"status": "ok"}
        started = time.monotonic()
        for request, status in ((b"HEAD /healthz", b"200"), (b"POST /healthz", b"405"), (b"HEAD /nothing", b"404")):
            connection.sendall(request + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert connection.recv(65536)[9:12] == status
        assert time.monotonic() - started < BUSY
