"""gunicorn's threaded worker, with an end to waiting for whoever sends or reads slowly.

gunicorn's own waits for a request, once its first byte is there, and for an answer to be read, as long as the client
likes, and each of them occupies a thread: a few idle connections would stop the service.
"""

import errno
import socket
import time
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

#: Seconds after which a client that sends or takes nothing is given up.
PATIENCE = 10.0
#: Bytes a second that count as progress: so many sent or taken buy another second.
PACE = 4096
_PIECE = 64 * 1024


class PacedSocket(socket.socket):
    """A client's connection that, for whoever is too slow, behaves as if the client had gone away."""

    def __init__(self, accepted: socket.socket) -> None:
        """Take over the connection; the socket given is of no use afterwards."""
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._until = 0.0

    def expect_request(self) -> None:
        """Begin to measure how long the next request takes to come in."""
        self._until = time.monotonic() + PATIENCE

    def setblocking(self, flag: bool, /) -> None:
        """Do so, unless the connection is closed already."""
        if self.fileno() != -1:
            super().setblocking(flag)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive as usual.

        Raises:
            ConnectionResetError: the request takes too long.
        """
        before = self.gettimeout()
        left = max(0.001, self._until - time.monotonic())
        self.settimeout(left if before is None else min(before, left))
        try:
            data = super().recv(size, flags)
        except TimeoutError as error:
            raise _gone() from error
        finally:
            self.settimeout(before)
        self._until += len(data) / PACE
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send as usual.

        Raises:
            ConnectionResetError: it takes too long to get rid of it.
        """
        before = self.gettimeout()
        if before == 0:
            return super().sendall(data, flags)
        view = memoryview(data).cast("B")
        try:
            for start in range(0, len(view), _PIECE):
                self.settimeout(PATIENCE + _PIECE / PACE)
                super().sendall(view[start : start + _PIECE], flags)
        except TimeoutError as error:
            raise _gone() from error
        finally:
            self.settimeout(before)
        return None


class PacedWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A threaded worker whose connections are paced."""

    def enqueue_req(self, conn: Any) -> None:
        """Take a connection on; runs in the main thread, for every request of it."""
        if type(conn.sock) is socket.socket:  # and not TLS, which is the proxy's
            conn.sock = PacedSocket(conn.sock)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Handle one request; runs in a thread."""
        if isinstance(conn.sock, PacedSocket):
            conn.sock.expect_request()
        keep = super().handle(conn)
        if keep is False:
            # gunicorn would wait for the client to close its side too, for up to two seconds, in the main thread, where
            # it keeps all others from being heard. Closing again, as it will, does nothing.
            close_graceful(conn.sock)
        return keep


def _gone() -> ConnectionResetError:
    # Of all errors of a connection, gunicorn passes over this one in silence.
    return ConnectionResetError(errno.ECONNRESET, "the client is too slow")
