"""Load that remembers what the server said, so that it can be held to it afterwards."""

import http.client
import json
import logging
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from tests.people import PASSWORD

#: `pytest tests/faults --log-cli-level=INFO` shows the figures that docs/operations.md quotes.
log = logging.getLogger("faults")
#: Between an answer and the next request of a thread: there is always a request under way, and not only requests.
PAUSE = 0.01


class Load:
    """Threads that create tasks, each on a connection of its own, for as long as the ``with`` block lasts."""

    def __init__(self, url: str, user_id: str, token: str, threads: int = 4) -> None:
        self.url, self.user_id, self.token = url, user_id, token
        #: The ids of tasks whose creation was acknowledged.
        self.acknowledged: list[str] = []
        #: How many answers of each status there were, and under 0 how many requests that got none.
        self.statuses: Counter[int] = Counter()
        #: Answers of 503 that did not say when to try again.
        self.curt = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._create) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int, within: float = 60) -> None:
        """Wait until so many more writes are acknowledged."""
        enough, deadline = len(self.acknowledged) + more, time.monotonic() + within
        while len(self.acknowledged) < enough:
            assert time.monotonic() < deadline, f"no {more} writes within {within} s: {self.statuses}"
            time.sleep(0.02)

    def kept(self) -> set[str]:
        """Return the ids of all the tasks that the server has now."""
        ids, path = set(), f"/api/users/{self.user_id}/tasks?limit=200"
        while path:
            status, page = ask(self.url, "GET", path, self.token)
            assert status == 200, page
            ids |= {task["id"] for task in page["items"]}
            cursor = page["next_cursor"]
            path = f"/api/users/{self.user_id}/tasks?limit=200&cursor={cursor}" if cursor else ""
        return ids

    def account(self, fault: str) -> None:
        """Log the figures; no acknowledged write may be missing, no answer be a fault of ours."""
        lost = set(self.acknowledged) - self.kept()
        answers = {status or "none": number for status, number in sorted(self.statuses.items())}
        log.info("%s: acknowledged %d, lost %d, answers %s", fault, len(self.acknowledged), len(lost), answers)
        assert not lost
        assert self.statuses.keys() <= {0, 201, 503}, self.statuses
        assert self.curt == 0

    def _create(self) -> None:
        while not self._over.is_set():
            try:
                status, task = ask(self.url, "POST", f"/api/users/{self.user_id}/tasks", self.token, {"title": "x"})
            except (OSError, http.client.HTTPException):
                self.statuses[0] += 1
                time.sleep(0.01)
                continue
            self.statuses[status] += 1
            time.sleep(PAUSE)
            if status == 201:
                self.acknowledged.append(task["id"])
            elif "retry_after" not in task:
                self.curt += 1


def ask(url: str, method: str, path: str, token: str = "", body: Any = None) -> tuple[int, dict[str, Any]]:
    """Send a request on a connection of its own; return status and body, and in it ``retry_after`` if that was said."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read() or b"{}")
        if response.headers["Retry-After"]:
            answer["retry_after"] = response.headers["Retry-After"]
        return response.status, answer


def account(url: str) -> dict[str, Any]:
    """Register somebody and return the token response of a first sign-in."""
    who = {"email": "ann@example.org", "password": PASSWORD}
    assert ask(url, "POST", "/api/auth/register", body=who)[0] == 201
    status, tokens = ask(url, "POST", "/api/auth/login", body=who)
    assert status == 200
    return tokens
