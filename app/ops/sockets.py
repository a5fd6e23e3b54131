"""Connections with an end to waiting for whoever sends or reads slowly."""

import errno
import select
import socket
import time
from collections.abc import Callable
from typing import Any

#: Seconds after which a client that sends or takes nothing is given up.
PATIENCE = 10.0
#: Bytes a second that count as progress: so many sent or taken buy another second.
PACE = 4096
# A plain number: to combine members of Python's enumeration takes a hundredth of the time of a short request.
_AT_ONCE = int(socket.MSG_DONTWAIT)


class PacedSocket(socket.socket):
    """A client's connection that, for whoever is too slow, behaves as if the client had gone away.

    gunicorn waits for a request, once its first byte is there, and for an answer to be read, as long as the client
    likes, and each of them occupies a thread: a few idle connections would stop the service.
    """

    def __init__(self, accepted: socket.socket, before_waiting: Callable[[], None]) -> None:
        """Take over the connection; the socket given is of no use afterwards.

        Args:
            accepted: the connection.
            before_waiting: called by the thread that is about to wait for the client.
        """
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(True)
        self._before_waiting = before_waiting
        self._until = 0.0
        self._timeout: float | None = None
        self._held = b""

    def expect_request(self) -> None:
        """Begin to measure how long the next request takes to come in."""
        self._until = time.monotonic() + PATIENCE

    def setblocking(self, flag: bool, /) -> None:
        """Take note: system calls of its own, for each request, would change nothing here."""
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
        while True:
            try:
                data = self.recv_at_once(size)
            except BlockingIOError:
                self._wait(select.POLLIN, self._until)
            else:
                self._until = _extended(self._until, len(data))
                return data

    def recv_at_once(self, size: int) -> bytes:
        """Receive what is there.

        Raises:
            BlockingIOError: nothing is.
        """
        return super().recv(size, _AT_ONCE)

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send all of it, as gunicorn expects of what it tells a client that waits to go on.

        Raises:
            ConnectionResetError: it takes too long to get rid of it.
        """
        view, until = memoryview(data), time.monotonic() + PATIENCE
        while view:
            try:
                sent = super().send(view, flags | _AT_ONCE)
            except BlockingIOError:
                self._wait(select.POLLOUT, until)
            else:
                until = _extended(until, sent)
                view = view[sent:]
        return len(data)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send as usual, but the head of an answer, which gunicorn sends by itself, together with what follows it.

        Raises:
            ConnectionResetError: it takes too long to get rid of it.
        """
        if not self._held and data[:9] == b"HTTP/1.1 " and data[-4:] == b"\r\n\r\n":
            self._held = data
            return
        held, self._held = self._held, b""
        self.send(held + data if held else data, flags)

    def finish_answer(self) -> None:
        """Send a head that nothing followed."""
        if self._held:
            self.sendall(b"")

    def _wait(self, event: int, until: float) -> None:
        self._before_waiting()
        seconds = until - time.monotonic()
        if self._timeout is not None:
            seconds = min(seconds, self._timeout)
        ready = select.poll()
        ready.register(self, event)
        if seconds <= 0 or not ready.poll(seconds * 1000):
            # Of all errors of a connection, gunicorn passes over this one in silence.
            raise ConnectionResetError(errno.ECONNRESET, "the client is too slow")


def _extended(until: float, size: int) -> float:
    """Return until when to wait after so many bytes: none at once buy more than `PATIENCE`."""
    return min(until + size / PACE, time.monotonic() + PATIENCE)
