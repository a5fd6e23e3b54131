"""How it goes on: with more rows, more revoked tokens, more clients at once, and while many people sign in.

    python -m bench.curves [--most 1000000] [--seconds 3] [--write]

Prints each curve; with ``--write`` draws them into docs/performance and keeps the figures in bench/results.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from bench import charts, lists
from bench.load import Measured
from bench.people import application
from bench.programs import OURS, RIVALS
from bench.report import CHART, RESULTS
from bench.run import Entrant, database_server, entrants, own_database
from tests.people import Person, make_person

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
STORM = 16
_ASKED = 60
# What a million people who come and go leave behind: blocked tokens, and sign-ins.
_BLOCKED = (
    "INSERT INTO blocked_tokens SELECT gen_random_uuid()::text, now() + interval '1 day' FROM generate_series(1, :n)"
)
_COPIED = (
    "user_id, kind, client_id, scope, label, user_agent, ip, created_at, last_seen_at, auth_time, seq, rotated_at,"
    " idle_until, expires_at"
)
_SIGN_INS = (
    f"INSERT INTO sign_ins (id, {_COPIED}) SELECT gen_random_uuid(), {_COPIED}"
    " FROM (SELECT * FROM sign_ins LIMIT 1) AS one, generate_series(1, :n)"
)


def pages(server_url: str, most: int) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the milliseconds of a page for more and more tasks of one person."""
    with own_database(server_url, "taskward_bench_pages") as url:
        yield from lists.measure(most, url)


def revoked(server_url: str, most: int) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the milliseconds of "who am I" for more and more blocked tokens and sign-ins."""
    for what, statement in {"blocked tokens": _BLOCKED, "sign-ins": _SIGN_INS}.items():
        with (
            own_database(server_url, "taskward_bench_revoked") as url,
            tempfile.TemporaryDirectory() as instance,
        ):
            app = application(url, Path(instance))
            with app.app_context():
                lists.upgrade(str(lists.ROOT / "migrations"))
            person, have = make_person(app, "alice@example.org"), 0
            engine = create_engine(url)
            size = 1000
            while size <= most:
                with engine.begin() as connection:
                    connection.execute(text(statement), {"n": size - have})
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text("VACUUM ANALYZE"))
                have = size
                yield size, {what: _milliseconds(person)}
                size *= 10
            engine.dispose()
            with app.app_context():
                lists.db.dispose()


def clients(everybody: Sequence[Entrant], seconds: int) -> dict[str, dict[int, Measured]]:
    """Return what each program does for 1 to 64 clients that list tasks at once."""
    return {
        each.program.title: {n: each.measure("list", people, seconds, n) for n in CLIENTS}
        for each, people in ((each, each.people()) for each in everybody)
    }


def storm(entrant: Entrant, seconds: int) -> tuple[Measured, Measured]:
    """Return what lists do when all is calm, and while 16 people at a time sign in."""
    people = entrant.people()
    calm = entrant.measure("list", people, seconds)
    signing_in = threading.Thread(target=entrant.measure, args=("signin", people, seconds + 2, STORM))
    signing_in.start()
    time.sleep(1)
    stormy = entrant.measure("list", people, seconds)
    signing_in.join()
    return calm, stormy


def _milliseconds(person: Person) -> float:
    times = []
    for _ in range(_ASKED):
        started = time.perf_counter()
        answer = person.get("/api/me")
        times.append(time.perf_counter() - started)
        if answer.status_code != 200:
            sys.exit(answer.text)
    return statistics.median(times) * 1000


def _collected(rows: Iterator[tuple[int, dict[str, float]]], name: str) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for size, times in rows:
        for place, taken in times.items():
            found.setdefault(place, []).append((size, round(taken, 3)))
            sys.stdout.write(f"{name:10}{size:>10,}  {place:16}{taken:8.2f} ms\n")
        sys.stdout.flush()
    return found


def main() -> None:
    """Measure, print, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.curves")
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    server_url = database_server()
    found: dict[str, Any] = {
        "pages": _collected(pages(server_url, asked.most), "page"),
        "revoked": _collected(revoked(server_url, asked.most), "who am I"),
        "clients": {},
        "storm": {},
    }
    programs = [OURS, *(each for each in RIVALS if "list" in each.actions)]
    with entrants(programs, {}) as everybody:
        for title, by_number in clients(everybody, asked.seconds).items():
            found["clients"][title] = [(n, round(did.rate, 1), did.p99) for n, did in by_number.items()]
        for each in everybody:
            calm, stormy = storm(each, asked.seconds)
            found["storm"][each.program.title] = {
                "calm": round(calm.rate, 1),
                "storm": round(stormy.rate, 1),
                "p50_ms": stormy.p50,
                "p99_ms": stormy.p99,
            }
    for title, points in found["clients"].items():
        sys.stdout.write(f"{title:34}" + "".join(f"{rate:8.0f}" for _, rate, _ in points) + "  req/s\n")
    for title, did in found["storm"].items():
        sys.stdout.write(f"{title:34}{did['calm']:8.0f} calm{did['storm']:8.0f} req/s in the storm\n")
    if asked.write:
        _write(found)


def _write(found: dict[str, Any]) -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(results | {"curves": found}, indent=1, ensure_ascii=False) + "\n")
    CHART.parent.mkdir(exist_ok=True)
    many = [(title, [(n, rate) for n, rate, _ in points]) for title, points in found["clients"].items()]
    drawings = {
        "pages": charts.lines("A page of 20 tasks", "tasks of one person", "ms", list(found["pages"].items())),
        "revoked": charts.lines("Who am I", "rows in the table", "ms", list(found["revoked"].items())),
        "clients": charts.lines("List 20 tasks", "clients at once", "requests/s", many),
    }
    for name, drawing in drawings.items():
        CHART.with_stem(name).write_text(drawing)


if __name__ == "__main__":
    main()
