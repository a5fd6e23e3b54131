"""gunicorn's threaded worker, with an end to waiting for whoever sends or reads slowly.

gunicorn's own waits for a request, once its first byte is there, and for an answer to be read, as long as the client
likes, and each of them occupies a thread: a few idle connections would stop the service.
"""

import errno
import mmap
import select
import socket
import struct
import time
from collections import deque
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker
from structlog.contextvars import clear_contextvars

#: Seconds after which a client that sends or takes nothing is given up.
PATIENCE = 10.0
#: Bytes a second that count as progress: so many sent or taken buy another second.
PACE = 4096
#: Seconds for which a thread that has nothing else to do waits for the next request of a connection.
SOON = 0.002
# The kernel's struct timeval, and as much as gunicorn receives at once.
_TIMEVAL = struct.Struct("ll")
_AHEAD = 8192
# A plain number: to combine members of Python's enumeration takes a hundredth of the time of a short request.
_AT_ONCE = int(socket.MSG_DONTWAIT)
#: Seconds that a worker leaves a new connection to one that has fewer.
PRECEDENCE = 0.001

# How many connections each worker has, plus one; 0 is nobody. The workers of a server share this memory. Two of which
# one is 256 workers younger share a place: then the others go by what either of them wrote last.
_HELD = memoryview(mmap.mmap(-1, 256 * 4)).cast("i")


class PacedSocket(socket.socket):
    """A client's connection that, for whoever is too slow, behaves as if the client had gone away.

    Each system call lets go of the interpreter's lock, and under load the threads wait for one another at each. So the
    kernel itself waits `SOON` for what is to be received, instead of saying first that there is something; it never
    waits to send; and neither is changed back and forth, as gunicorn would. A twentieth more requests are answered by
    the first, and a tenth by the last.
    """

    def __init__(self, accepted: socket.socket) -> None:
        """Take over the connection; the socket given is of no use afterwards."""
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(True)
        super().setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(0, int(SOON * 1e6)))
        self._until = 0.0
        self._timeout: float | None = None
        self._ahead = b""
        self._held = b""

    def expect_request(self) -> None:
        """Begin to measure how long the next request takes to come in."""
        self._until = time.monotonic() + PATIENCE

    def setblocking(self, flag: bool, /) -> None:
        """Take note."""
        self._timeout = None if flag else 0.0

    def settimeout(self, value: float | None, /) -> None:
        """Take note; a client that is too slow is given up earlier."""
        self._timeout = value

    def gettimeout(self) -> float | None:
        """Return what was noted."""
        return self._timeout

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive as usual.

        Raises:
            ConnectionResetError: the request takes too long.
        """
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        while not data:
            try:
                data = super().recv(size, flags)
                break
            except BlockingIOError:
                self._wait(select.POLLIN, self._until)
        self._until += len(data) / PACE
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send as usual, but the head of an answer, which gunicorn sends by itself, together with what follows it.

        Raises:
            ConnectionResetError: it takes too long to get rid of it.
        """
        if not self._held and data[:9] == b"HTTP/1.1 " and data[-4:] == b"\r\n\r\n":
            self._held = data
            return
        view, until = memoryview(self._held + data), time.monotonic() + PATIENCE
        self._held = b""
        while view:
            try:
                sent = super().send(view, flags | _AT_ONCE)
            except BlockingIOError:
                self._wait(select.POLLOUT, until)
            else:
                until += sent / PACE
                view = view[sent:]

    def finish_answer(self) -> None:
        """Send a head that nothing followed."""
        if self._held:
            self.sendall(b"")

    def comes_soon(self) -> bool:
        """Tell whether the client goes on at once, as programs do, or hangs up; waits `SOON` at most."""
        try:
            self._ahead = super().recv(_AHEAD)
        except BlockingIOError:
            return False
        return True

    def _wait(self, event: int, until: float) -> None:
        seconds = until - time.monotonic()
        if self._timeout is not None:
            seconds = min(seconds, self._timeout)
        ready = select.poll()
        ready.register(self, event)
        if seconds <= 0 or not ready.poll(seconds * 1000):
            # Of all errors of a connection, gunicorn passes over this one in silence.
            raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")


class PacedWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A threaded worker whose connections are paced, and as many as those of the other workers.

    Whoever wakes up first takes a connection, which mostly is the one that took the last: of 16 that stay open it had
    up to 15, and its threads waited for one another while the other processor was idle. So 4 to 11 % more are answered.
    """

    def __init__(self, age: int, *args: Any, **kwargs: Any) -> None:
        """Begin with nobody waiting; runs in the process that all workers come from."""
        self._place = age % len(_HELD)
        super().__init__(age, *args, **kwargs)
        # One entry for each connection that waits for a thread; several threads can take entries out without a lock.
        self._in_line: deque[None] = deque()

    @property
    def nr_conns(self) -> int:
        """How many connections it has."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, number: int) -> None:
        self._connections = number
        _HELD[self._place] = number + 1

    def forget(self) -> None:
        """Tell the others that this worker has ended."""
        _HELD[self._place] = 0

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless a worker that has fewer takes it first; runs in the main thread."""
        if any(0 < held <= self.nr_conns for held in _HELD):
            time.sleep(PRECEDENCE)
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Take a connection on; runs in the main thread."""
        if type(conn.sock) is socket.socket:  # and not TLS, which is the proxy's
            conn.sock = PacedSocket(conn.sock)
        self._in_line.append(None)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Handle a request; runs in a thread.

        While no other connection waits for a thread, it handles the next request of this one, too. To give the
        connection back to the main thread and get it from there again takes half a dozen system calls and as many
        changes of threads: a quarter more requests are answered without.
        """
        self._in_line.pop()
        keep = self._handle_one(conn)
        while keep is True and self._goes_on(conn):
            keep = self._handle_one(conn)
        if keep is False:
            # gunicorn would wait for the client to close its side too, for up to two seconds, in the main thread, where
            # it keeps all others from being heard. Closing again, as it will, does nothing.
            close_graceful(conn.sock)
        return keep

    def _handle_one(self, conn: Any) -> Any:
        if isinstance(conn.sock, PacedSocket):
            conn.sock.expect_request()
        return super().handle(conn)

    def _goes_on(self, conn: Any) -> bool:
        if self._in_line or not self.alive or not isinstance(conn.sock, PacedSocket):
            return False
        return bool(conn.parser.unreader.buf.getvalue()) or conn.sock.comes_soon()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer and log a request that cannot be read: without what is known about the one this thread had before."""
        clear_contextvars()
        super().handle_error(req, client, addr, exc)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request; runs in a thread."""
        keep = super().handle_request(req, conn)
        if isinstance(conn.sock, PacedSocket):
            conn.sock.finish_answer()
        return keep
