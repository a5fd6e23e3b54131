"""Counters of fixed windows: in this process, or in Redis for all of them together."""

import threading
import time
from typing import Any

import structlog
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string

#: The length of a window, which begins with the first that is counted in it.
SECONDS = 60
_PAUSE_AT_MOST = 60.0
_log = structlog.get_logger("limits")


class Windows:
    """How often each key was counted in its present window.

    While Redis does not answer, each process counts for itself; Redis is tried again after a second, and after twice as
    long each time that it still does not answer.
    """

    def __init__(self, redis_url: str | None) -> None:
        """Count in the Redis of this address, or in this process."""
        self._here = _Here()
        self._redis: Storage | None = _redis(redis_url) if redis_url else None
        self._away_until: float | None = None
        self._pause = 1.0

    def used(self, key: str) -> tuple[int, float]:
        """Return how often the key was counted, and when its window ends (Unix time)."""
        if (redis := self._answering()) is not None:
            try:
                count = redis.get(key)
                return count, redis.get_expiry(key) if count else time.time() + SECONDS
            except StorageError:
                self._went_away()
        return self._here.used(key)

    def add(self, key: str) -> tuple[int, float]:
        """Count the key once more; return the same as `used`."""
        if (redis := self._answering()) is not None:
            try:
                return redis.incr(key, SECONDS), redis.get_expiry(key)
            except StorageError:
                self._went_away()
        return self._here.add(key)

    def _answering(self) -> Storage | None:
        """Return Redis if it is used and not known to be away; look whether it is back when it is time to."""
        away_until, now = self._away_until, time.monotonic()
        if self._redis is None or away_until is None:
            return self._redis
        if now < away_until:
            return None
        # First of all, so that the other threads do not wait for the same answer.
        self._pause = min(2 * self._pause, _PAUSE_AT_MOST)
        self._away_until = now + self._pause
        if not self._redis.check():
            return None
        self._away_until, self._pause = None, 1.0
        _log.info("rate limits are counted in Redis again")
        return self._redis

    def _went_away(self) -> None:
        if self._away_until is None:
            self._away_until = time.monotonic() + self._pause
            _log.warning("Redis does not answer: each process counts rate limits for itself")


class _Here:
    """The counters of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}
        self._sweep_at = time.time() + SECONDS

    def used(self, key: str) -> tuple[int, float]:
        now = time.time()
        count, until = self._windows.get(key, (0, 0.0))
        return (count, until) if now < until <= now + SECONDS else (0, now + SECONDS)

    def add(self, key: str) -> tuple[int, float]:
        with self._lock:
            count, until = self.used(key)
            self._windows[key] = counted = count + 1, until
            if not 0 < self._sweep_at - time.time() <= SECONDS:
                self._sweep()
        return counted

    def _sweep(self) -> None:
        now = time.time()
        self._windows = {key: window for key, window in self._windows.items() if now < window[1] <= now + SECONDS}
        self._sweep_at = now + SECONDS


def _redis(url: str) -> Storage:
    # Loading the client takes a tenth of a second, which whoever has no Redis need not wait.
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Redis is asked before every answer; one that is away must not keep everybody waiting.
    options: dict[str, Any] = {
        "socket_connect_timeout": 0.25,
        "socket_timeout": 0.25,
        "retry": Retry(NoBackoff(), 1),
        "wrap_exceptions": True,
        "key_prefix": "taskward",
    }
    storage = storage_from_string(url, **options)
    if not isinstance(storage, Storage):
        raise TypeError(url)
    return storage
