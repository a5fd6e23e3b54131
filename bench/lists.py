"""Does a page of tasks cost the same wherever it lies, however many tasks there are?

    python -m bench.lists [most]

Gives one person 100, 1 000 … ``most`` tasks (1 000 000 unless told otherwise) beside as many of somebody else, in a
database of its own, and asks for pages of 20 over HTTP, in this process: the first, one deep in the list, one deep in a
filtered list in another order, and the first once more when it is known already. Prints the median milliseconds of
each and their ratio to the smallest list, for which 1 means flat. ``DATABASE_URL`` names an empty PostgreSQL database;
without it the database is SQLite's.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

import config
from app import create_app
from app.extensions import db
from tests.people import Person, make_person

ROOT = Path(__file__).parents[1]
ROUNDS = 40
PLACES = {
    "first": "/tasks?limit=20",
    "deep": "/tasks?limit=20",
    "filtered, deep": "/tasks?limit=20&q=tag%3Ahome%20sort%3A-created",
    "unchanged": "/tasks?limit=20",
}


def main(most: int = 1_000_000) -> None:
    """Measure and print."""
    sys.stdout.write("tasks     " + "".join(f"{place:>24}" for place in PLACES) + "\n")
    base: dict[str, float] = {}
    for size, times in measure(most, os.environ.get("DATABASE_URL")):
        cells = (f"{taken:12.2f} ms {taken / base.setdefault(place, taken):7.2f}  " for place, taken in times.items())
        sys.stdout.write(f"{size:<10}" + "".join(cells) + "\n")
        sys.stdout.flush()


def measure(most: int, database_url: str | None) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield a number of tasks and the milliseconds of a page at each place, for 100, 1 000 … ``most`` tasks."""
    with tempfile.TemporaryDirectory() as instance:
        given = {"DATABASE_URL": database_url} if database_url else {}
        app = create_app(config.load({"INSTANCE_PATH": instance, "LOG_LEVEL": "error", "RATE_LIMIT": "0"} | given))
        with app.app_context():
            upgrade(str(ROOT / "migrations"))
        alice, bob = make_person(app, "alice@example.org"), make_person(app, "bob@example.org")
        size = 0
        while size < most:
            size = max(100, size * 10)
            for person in (bob, alice):
                _fill(app, person, size)
            yield size, {place: _time(alice, place, size) for place in PLACES}
        with app.app_context():
            db.dispose()


def _fill(app: Flask, person: Person, size: int) -> None:
    """Bring the person's tasks to that many, a tenth of them with a tag."""
    number = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
    with app.app_context(), db.engine.begin() as connection:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        owner = person.id.replace("-", "") if dialect == "sqlite" else person.id
        mine = {"owner": owner}
        have = connection.execute(text("SELECT count(*) FROM tasks WHERE user_id = :owner"), mine).scalar_one()
        series = (
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :more) SELECT n FROM s"
            if dialect == "sqlite"
            else "SELECT n FROM generate_series(1, :more) AS s(n)"
        )
        columns = "user_id, id, title, title_sort, notes, priority, due_sort, tags, created_at, updated_at, rev"
        padded = "substr('00000000000' || CAST(n AS text), -11)" if dialect == "sqlite" else "lpad(n::text, 11, '0')"
        connection.execute(
            text(
                f"INSERT INTO tasks ({columns})"
                f" SELECT :owner, {number[dialect]}, 'Task ' || n, 'task ' || n, '', n % 4,"
                f" '2026-' || {padded}, {_tags(dialect)}, {_now(dialect)}, {_now(dialect)}, 1"
                f" FROM ({series}) AS numbered"
            ),
            mine | {"more": size - have},
        )
        connection.execute(
            text(
                "INSERT INTO task_tags (user_id, task_id, name) SELECT user_id, id, 'home' FROM tasks"
                " WHERE user_id = :owner AND priority = 3 AND NOT EXISTS (SELECT 1 FROM task_tags WHERE"
                " task_tags.user_id = tasks.user_id AND task_tags.task_id = tasks.id)"
            ),
            mine,
        )
    with app.app_context(), db.read() as connection:
        connection.exec_driver_sql("ANALYZE")


def _tags(dialect: str) -> str:
    return "'[]'" if dialect == "sqlite" else "'[]'::json"


def _now(dialect: str) -> str:
    return "'2026-01-01 00:00:00.000000'" if dialect == "sqlite" else "TIMESTAMPTZ '2026-01-01 00:00:00+00'"


def _time(person: Person, place: str, size: int) -> float:
    """Return the median milliseconds of a request for a page at that place."""
    path, headers, cursor = PLACES[place], person.bearer(), None
    if place.endswith("deep"):
        # Up to the hundredth page, or as far as there are pages.
        for _ in range(min(99, size // 200)):
            page = _ask(person, path, headers, cursor)
            if page.status_code != 200:
                sys.exit(page.text)
            cursor = page.get_json()["next_cursor"] or cursor
    if place == "unchanged":
        headers["If-None-Match"] = _ask(person, path, headers, None).headers["ETag"]
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = _ask(person, path, headers, cursor)
        times.append(time.perf_counter() - started)
        if answer.status_code != (304 if place == "unchanged" else 200):
            sys.exit(answer.text)
    return statistics.median(times) * 1000


def _ask(person: Person, path: str, headers: dict[str, str], cursor: str | None) -> Any:
    query = f"&cursor={cursor}" if cursor else ""
    return person.client.get(person.url(path) + query, headers=headers)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
