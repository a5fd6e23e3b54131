"""gunicorn's threaded worker, as leader and followers (Schmidt et al., Pattern-Oriented Software Architecture 2)."""

import os
import select
import selectors
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn
from structlog.contextvars import clear_contextvars

from app.ops.balance import BalancedWorker
from app.ops.followers import Followers
from app.ops.messages import KnownParser
from app.ops.sockets import PacedSocket

#: Seconds that a request may take before a follower is promoted to lead.
LEAD = 0.01
# Seconds without a request after which nobody looks any more how long they take.
_QUIET = 0.1


class LeaderWorker(BalancedWorker):
    """A threaded worker in which one thread, the leader, waits for requests and answers them itself.

    gunicorn's hands each request from the thread that waits to another one and back, and the threads wait for one
    another whenever one of them lets go of the interpreter's lock, several times a request: at 16 connections a third
    to a half more requests are answered without. A leader that has to wait for a client, or sends `waiting`, or takes
    longer than `LEAD`, is one no more: a follower goes on in its place, for as many requests as there are threads.
    """

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what gunicorn could do, but not in this way."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            sys.exit("taskward: TLS is for the proxy in front: run gunicorn without a certificate")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without a leader; runs in the process that all workers come from."""
        super().__init__(*args, **kwargs)
        #: Those that wait for a request, the first to be given up first. Only the leader looks at it.
        self.keepalived_conns: dict[Any, None] = {}
        # Held to change who leads, and by whoever must not lose the lead meanwhile.
        self._lock = threading.Lock()
        self._leader: int | None = None
        self._followers = Followers(self.cfg.threads, self._lead)
        # What the leader is answering, if anything, and the how many-eth request it is.
        self._answering: Any = None
        self._number = 0
        self._watched = self._over = False
        self._failure: BaseException | None = None

    def get_thread_pool(self) -> None:
        """Have none: whoever answers a request is to lead, too, and no thread keeps the process from ending."""

    def run(self) -> None:
        """See that somebody leads until the worker has to end; runs in the main thread."""
        self.poller.register(self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks)
        self._followers.promote()
        woken = select.poll()
        woken.register(self.PIPE[0], select.POLLIN)
        ends_at = time.monotonic() + self.cfg.graceful_timeout
        while not self._over:
            self.notify()
            if not self.is_parent_alive():
                self.alive = False
            if self.alive:
                ends_at = time.monotonic() + self.cfg.graceful_timeout
            elif time.monotonic() > ends_at:
                break
            if woken.poll(1000):
                os.read(self.PIPE[0], 4096)
                self._watch(time.monotonic() + 1)
        self._over = True
        if self._failure:
            raise self._failure
        if self.nr_conns:
            os._exit(0)  # Python ends neither while passwords are hashed nor, at times, while a thread is logging

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once. It may be called anywhere in the main thread, which may hold any lock: so it takes none."""
        self.alive = False
        self._over = True

    def _watch(self, until: float) -> None:
        """Promote a follower whenever the leader's request takes long; looks only while there are requests."""
        last, since = self._number, time.monotonic()
        while (now := time.monotonic()) < until and now - since < _QUIET and not self._over:
            time.sleep(LEAD)
            if self._number != last:
                last, since = self._number, now
            elif self._answering:
                self._promote_follower(last)
        self._watched = False
        if self._answering:  # it has begun meanwhile, and may have found that somebody was watching
            self._wake()

    def _wake(self) -> None:
        """Wake the main thread up; what wakes it when there is a signal does so, too."""
        self._watched = True
        with suppress(BlockingIOError):
            os.write(self.PIPE[1], b".")

    def _promote_follower(self, number: int) -> None:
        """Have a follower lead, unless the leader's request is not that one any more."""
        with self._lock:
            if self._answering is None or self._number != number:
                return
            self.poller.unregister(self._answering.sock)
            self._leader = self._answering = None
            self._followers.promote()

    def step_down(self, _sender: object = None) -> None:
        """Have a follower lead, if it is this thread that does: it is about to wait."""
        number = self._number
        if self._leader == threading.get_ident():
            self._promote_follower(number)

    def _lead(self) -> None:
        """Wait for requests and answer them until somebody else leads; runs in a thread."""
        me = self._leader = threading.get_ident()
        try:
            while self._leader == me and not self._over:
                if not self.alive:
                    self._cap_keepalive(time.monotonic() + STOP_KEEPALIVE_LINGER)
                    if not self.nr_conns:
                        self._end()
                        break
                self.set_accept_enabled(self.alive and self.nr_conns < self.worker_connections)
                events = self.poller.select(1.0)
                self._close_silent([key.fileobj for key, _ in events])
                for key, _ in events:
                    key.data(key.fileobj)
                    if self._leader != me or self._over:
                        break  # the next leader hears of the others, too
        except BaseException as failure:  # noqa: BLE001 - raised again, where the whole worker ends with it
            self._failure, self.alive = failure, False
            self._end()

    def _end(self) -> None:
        self._over = True
        self._wake()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and wait for its first request."""
        if not (found := self.next_client(listener)):
            return
        accepted, client = found
        conn = TConn(self.cfg, PacedSocket(accepted, self.step_down), client, listener.getsockname())
        conn.data_ready = True  # before it is served
        conn.parser = KnownParser(self.cfg, conn.sock, client)
        self._register(conn)
        self._expect(conn)

    def _register(self, conn: Any) -> None:
        self.poller.register(conn.sock, _events(conn), lambda _: self._serve(conn))

    def _expect(self, conn: Any) -> None:
        conn.set_timeout()
        self.keepalived_conns[conn] = None

    def _serve(self, conn: Any) -> None:
        """Answer the request that has come in on a connection."""
        del self.keepalived_conns[conn]
        self._number += 1
        self._answering = conn
        if not self._watched:
            self._wake()
        ahead = _events(conn)
        conn.sock.expect_request()
        keep = self.handle(conn)
        with self._lock:
            leading = self._leader == threading.get_ident()
            if leading:
                self._answering = None
        if leading:
            self._finish(conn, keep, ahead)
        else:
            self.method_queue.defer(self._finish, conn, keep)

    def _finish(self, conn: Any, keep: bool, listening: int = 0) -> None:
        """Wait for what comes next on a connection, which is heard for these events, if for any; the leader does."""
        if conn.sock.fileno() < 0:  # gunicorn has closed it
            self._close(conn)
            return
        if not listening:
            self._register(conn)
        elif listening != _events(conn):
            self.poller.modify(conn.sock, _events(conn), lambda _: self._serve(conn))
        self._expect(conn)
        if not keep:
            self._linger(conn)

    def _linger(self, conn: Any) -> None:
        """Close a connection when the client has: something left of what it sent would cost it the answer.

        RFC 9112 §9.6. gunicorn waits for that itself, and keeps everybody else from being heard meanwhile.
        """
        with suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        self.poller.modify(conn.sock, selectors.EVENT_READ, lambda _: self._drain(conn))
        self._drain(conn)

    def _drain(self, conn: Any) -> None:
        try:
            left = conn.sock.recv_at_once(65_536)
        except BlockingIOError:
            return
        except OSError:
            left = b""
        if not left or conn.timeout <= time.monotonic():
            self._close(conn)

    def _close(self, conn: Any) -> None:
        self.keepalived_conns.pop(conn, None)
        with suppress(KeyError, ValueError):  # gunicorn has closed it
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _close_silent(self, heard: Sequence[Any]) -> None:
        """Close the connections of which nothing was heard for too long, nor just now."""
        now = time.monotonic()
        while conn := next(iter(self.keepalived_conns), None):
            if conn.timeout > now or conn.sock in heard:
                break
            self._close(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request that could be read."""
        keep = super().handle_request(req, conn)
        conn.sock.finish_answer()
        return keep

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer and log a request that cannot be read: without what is known about the one this thread had before."""
        clear_contextvars()
        super().handle_error(req, client, addr, exc)


def _events(conn: Any) -> int:
    """Return what to wait for on a connection: nothing more if the next request was received with the last."""
    ahead = conn.parser.unreader.buf.getvalue()
    return selectors.EVENT_READ | selectors.EVENT_WRITE if ahead else selectors.EVENT_READ
