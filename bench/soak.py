"""Mixed load for half an hour: do memory and open files of the server grow?

    python -m bench.soak [minutes] [requests per second]

Over SQLite, or over the PostgreSQL that DATABASE_URL names. Ends with 1 if, once everything is warm, a worker's memory
or open files grew by more than a tenth between the second quarter of the time and the last.
"""

import http.client
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from tests.faults.load import account, ask
from tests.installations import run
from tests.people import PASSWORD
from tests.servers import start_server

THREADS = 4
GROWTH = 1.1


class People(threading.Thread):
    """One person who signs in, works and signs out, over and over, at a steady pace."""

    def __init__(self, url: str, pace: float, statuses: Counter[int], over: threading.Event) -> None:
        super().__init__()
        self.url, self.pace, self.statuses, self.over = url, pace, statuses, over

    def run(self) -> None:
        who = {"email": "ann@example.org", "password": PASSWORD}
        while not self.over.is_set():
            tokens = self._ask("POST", "/api/auth/login", body=who)
            tasks, token = f"/api/users/{tokens['user_id']}/tasks", tokens["access_token"]
            for _ in itertools.takewhile(lambda _: not self.over.is_set(), range(20)):
                task = self._ask("POST", tasks, token, {"title": "Buy milk", "notes": "n" * 2000, "tags": ["home"]})
                self._ask("GET", f"{tasks}?limit=20", token)
                self._ask("GET", f"{tasks}?q=tag:home", token)
                self._ask("PATCH", f"{tasks}/{task['id']}", token, {"completed": True})
                self._ask("DELETE", f"{tasks}/{task['id']}", token)
                self._ask("DELETE", f"{tasks}/{task['id']}?permanent=true", token)
                self._ask("GET", "/login")
                self._ask("GET", "/api/me", "no token")
            tokens = self._ask("POST", "/api/auth/refresh", body={"refresh_token": tokens["refresh_token"]})
            self._ask("POST", "/api/auth/logout", tokens["access_token"])

    def _ask(self, method: str, path: str, token: str = "", body: object = None) -> dict[str, str]:
        time.sleep(self.pace)
        try:
            status, answer = ask(self.url, method, path, token, body)
        except json.JSONDecodeError:  # a page
            status, answer = 200, {}
        except (OSError, http.client.HTTPException):
            status, answer = 0, {}
        self.statuses[status] += 1
        return answer


def main(minutes: float, rate: float) -> int:
    """Run it and print a line a minute; return the exit code."""
    with tempfile.TemporaryDirectory() as directory:
        env = {"INSTANCE_PATH": directory, "RATE_LIMIT": "0"}
        if "DATABASE_URL" in os.environ:
            env["DATABASE_URL"] = os.environ["DATABASE_URL"]
        run(env, "flask", "--app", "wsgi", "db", "upgrade").check_returncode()
        with contextmanager(start_server)(env, Path(directory) / "log") as server:
            account(server.url)
            statuses: Counter[int] = Counter()
            over = threading.Event()
            people = [People(server.url, THREADS / rate, statuses, over) for _ in range(THREADS)]
            for person in people:
                person.start()
            samples = _watch(server.process.pid, minutes, statuses)
            over.set()
            for person in people:
                person.join()
    return _verdict(samples)


def _watch(master: int, minutes: float, statuses: Counter[int]) -> list[tuple[float, int]]:
    """Measure MiB and open files of all the workers, forty times; returns what was measured."""
    samples = []
    started = time.monotonic()
    sys.stdout.write("minute    requests    MiB    open files    statuses\n")
    for step in itertools.count(1):
        time.sleep(max(0.0, started + step * minutes * 60 / 40 - time.monotonic()))
        workers = psutil.Process(master).children()
        memory = sum(worker.memory_full_info().uss for worker in workers) / 2**20
        samples.append((memory, sum(worker.num_fds() for worker in workers)))
        minute = (time.monotonic() - started) / 60
        requests = sum(statuses.values())
        sys.stdout.write(f"{minute:6.1f} {requests:11d} {memory:6.1f} {samples[-1][1]:13d}    {dict(statuses)}\n")
        sys.stdout.flush()
        if step == 40:
            return samples
    raise AssertionError


def _verdict(samples: list[tuple[float, int]]) -> int:
    grown = False
    for name, values in zip(("memory", "open files"), zip(*samples, strict=True), strict=True):
        before, after = median(values[10:20]), median(values[30:])
        sys.stdout.write(f"{name}: {before:.1f} → {after:.1f} ({after / before:.3f})\n")
        grown |= after > before * GROWTH
    return int(grown)


if __name__ == "__main__":
    sys.exit(main(*(float(given) for given in [*sys.argv[1:], "30", "40"][:2])))
