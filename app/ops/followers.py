"""Threads of which one at a time leads, while the others wait or do what they have begun."""

import threading
from collections.abc import Callable


class Followers:
    """Threads that wait until they are promoted; at most so many, started when they are needed.

    They keep no process from ending.
    """

    def __init__(self, at_most: int, lead: Callable[[], None]) -> None:
        """Begin with none.

        Args:
            at_most: how many threads there may be.
            lead: what a thread does that was promoted; when it returns, the thread waits again.
        """
        self._at_most, self._lead = at_most, lead
        self._lock = threading.Lock()
        self._threads = 0
        # What each of those that wait waits for.
        self._waiting: list[threading.Lock] = []
        # Whether nobody leads, and the first to have time has to.
        self._vacant = False

    def promote(self) -> None:
        """Have a thread lead: the last to come, whose memory is still in the processor's cache, or a new one.

        If all are busy, the first that is done.
        """
        with self._lock:
            if self._waiting:
                self._waiting.pop().release()
                return
            self._vacant = True  # also if there is no memory to start one
            if self._threads < self._at_most:
                try:
                    threading.Thread(target=self._follow, daemon=True).start()
                except RuntimeError:  # the machine has no more of them
                    if not self._threads:
                        raise
                else:
                    self._threads += 1
                    self._vacant = False

    def _follow(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        while True:
            self._lead()
            with self._lock:
                if self._vacant:
                    self._vacant = False
                    continue
                self._waiting.append(turn)
            turn.acquire()
