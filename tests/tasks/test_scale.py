"""Lists in a table of many tasks, of which one person has a tenth: how the database finds them.

Only plans are looked at, which are the same on a busy machine. PostgreSQL makes them from what it has counted, and gets
a million tasks. SQLite counts only when told to, which Taskward never does: its plans are the same for any number.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import cycle, product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select, text

from app.extensions import db
from app.models import Task
from app.services import task_cursors
from app.services.task_query import Query, Status
from tests.conftest import MakeApp
from tests.databases import create_database, drop_database, postgresql_server
from tests.people import Person, make_person
from tests.tasks import plans

#: How many tasks there are, and how many of them are the person's.
SIZES = {"postgresql": (1_000_000, 100_000), "sqlite": (20_000, 2_000)}
SORTS = {
    "due": "due_sort",
    "priority": "priority",
    "created": "created_at",
    "updated": "updated_at",
    "title": "title_sort",
}
COLUMNS = """user_id, id, title, title_sort, notes, priority, due_sort, tags, completed_at, deleted_at, created_at,
    updated_at, rev"""
FILTERS = ["status=completed", "priority=high", "tag=common", "tag=rare", "q=tag:common+-tag:rare+due:%3C2026-06-01"]
FILTERS += ["q=is:overdue", "status=today", "q=due:none", "q=%221%22+-77", "updated_since=2026-01-01T00:00:00Z"]

# Tasks n of a table g(n) belong to `mine`, or to one of 9 000 others with 100 tasks each.
TASKS = """
    INSERT INTO tasks ({columns})
    SELECT CASE WHEN n < {own} THEN {mine} ELSE {other} END, {id}, 'Task ' || n, 'task ' || n, '', n % 4,
        {day}, '[]', CASE WHEN n % 3 = 0 THEN {instant} END, CASE WHEN n % 10 = 0 THEN {instant} END,
        {instant}, {instant}, n
    FROM {numbers}
"""
TAGS = """
    INSERT INTO task_tags (user_id, task_id, name)
    SELECT {mine}, {id}, CASE WHEN n % {rare} = 7 THEN 'rare' ELSE 'common' END FROM {numbers}
    WHERE n < {own} AND n % 10 = 7
"""
SQLITE = {
    "mine": "'{hex}'",
    "other": "printf('%032x', n / 100)",
    "id": "printf('%032x', n)",
    "day": "printf('2026-%02d-%02dT24:00', 1 + n % 12, 1 + n % 28)",
    "instant": "strftime('%Y-%m-%d %H:%M:%S.000000', 1767225600 + n * 20, 'unixepoch')",
    "numbers": "(WITH RECURSIVE g(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM g LIMIT {all}) SELECT n FROM g)",
}
POSTGRESQL = {
    "mine": "'{hex}'::uuid",
    "other": "lpad(to_hex(n / 100), 32, '0')::uuid",
    "id": "lpad(to_hex(n), 32, '0')::uuid",
    "day": "'2026-' || to_char(1 + n % 12, 'FM00') || '-' || to_char(1 + n % 28, 'FM00') || 'T24:00'",
    "instant": "to_timestamp(1767225600 + n * 20)",
    "numbers": "generate_series(0, {all} - 1) AS g(n)",
}


@pytest.fixture
def crowd(environment: dict[str, str], make_app: MakeApp) -> Iterator[Flask]:
    """An application over an empty database of its own."""
    directory = Path(tempfile.mkdtemp())
    postgresql = "postgresql" in environment["DATABASE_URL"]
    name = f"{environment['DATABASE_URL'].rpartition('/')[2].partition('?')[0]}_crowd"
    url = create_database(postgresql_server(), name) if postgresql else f"sqlite:///{directory / 'crowd.db'}"
    app = make_app(DATABASE_URL=url)
    with app.app_context():
        upgrade(str(Path(__file__).parents[2] / "migrations"))
    yield app
    with app.app_context():
        db.dispose()
    if postgresql:
        drop_database(postgresql_server(), name)
    shutil.rmtree(directory)


def fill(app: Flask, owner: str) -> None:
    """Add all tasks and make the indexes afterwards, which takes a fifth of the time."""
    with app.app_context():
        url, postgresql = db.engine.url, db.engine.dialect.name == "postgresql"
        sizes = SIZES[db.engine.dialect.name]
        db.dispose()
        if postgresql:
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for constraint in ("fk_tasks_user_id_users", "pk_tasks"):
                    connection.execute(text(f"ALTER TABLE tasks DROP CONSTRAINT {constraint} CASCADE"))
                indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'tasks'"
                connection.execute(text("SET statement_timeout = 0"))
                _fill(lambda sql: connection.exec_driver_sql(sql.replace("%", "%%")), indexes, POSTGRESQL, sizes, owner)
                connection.execute(text("ALTER TABLE tasks ADD CONSTRAINT pk_tasks PRIMARY KEY (user_id, id)"))
                connection.execute(text("ANALYZE tasks, task_tags"))
        else:
            with closing(sqlite3.connect(str(url.database), isolation_level=None)) as connection:
                for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-200000"):
                    connection.execute(f"PRAGMA {pragma}")
                indexes = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'tasks' AND sql LIKE 'CREATE INDEX%'"
                _fill(connection.execute, indexes, SQLITE, sizes, owner)


def _fill(
    execute: Callable[[str], Any], indexes: str, dialect: dict[str, str], sizes: tuple[int, int], owner: str
) -> None:
    every, own = sizes
    words = {
        name: sql.replace("{hex}", owner.replace("-", "")).replace("{all}", str(every)) for name, sql in dialect.items()
    }
    made = execute(indexes).fetchall()
    for name, _ in made:
        execute(f"DROP INDEX {name}")
    for statement in (TASKS, TAGS):
        execute(statement.format(columns=COLUMNS, own=own, rare=own // 20, **words))
    for name, definition in made:
        if "_rev_" not in name:  # no list goes by it
            execute(definition)


def test_among_many_tasks_every_page_of_every_list_seeks_in_an_index_of_the_persons_own(crowd: Flask) -> None:
    rich, poor = make_person(crowd, "rich@example.org"), make_person(crowd, "poor@example.org")
    poor.make_task(title="only")
    fill(crowd, rich.id)
    faults: dict[str, list[str]] = {}
    with plans.recorded(crowd) as sent:
        for sort, status in product([*SORTS, *(f"-{name}" for name in SORTS)], ("open", "completed")):
            index = f"ix_tasks_user_id_{SORTS[sort.removeprefix('-')]}_id"
            query = f"sort={sort}&status={status}"
            for page in (query, f"{query}&cursor={_deep_cursor(crowd, rich, sort, status)}"):
                for lines in _plans(crowd, sent, rich, page):
                    (search,) = plans.searches(lines)
                    if index not in search or "user_id" not in search or plans.sorts(lines):
                        faults[page] = lines
        for person, (query, sort) in product((rich, poor), zip(FILTERS, cycle(["due", "-updated", "title"]))):
            lines = next(_plans(crowd, sent, person, f"{query}&sort={sort}&count=true"))
            searches = plans.searches(lines)
            if not searches or not all("user_id" in search for search in searches):
                faults[f"{person.email} {query} {sort}"] = lines
    assert faults == {}


def _plans(app: Flask, sent: plans.Sent, person: Person, query: str) -> Iterator[list[str]]:
    """Yield the plan of a page of the list for this person, and the one for everybody where it is prepared."""
    sent.clear()
    response = person.get(f"/tasks?{query}")
    assert response.status_code == 200, response.text
    # Keys are read every few seconds. Who is asking, the page and the total; an empty page cannot bring who is asking.
    assert len([each for each in sent if "signing_keys" not in each[0]]) <= (3 if response.get_json()["items"] else 4)
    statement, parameters = next(each for each in sent if "sort_key" in each[0])
    yield plans.plan(app, statement, parameters)
    if "%(" in statement:
        yield plans.prepared_plan(app, statement)


def _deep_cursor(app: Flask, person: Person, sort: str, status: Status) -> str:
    """Return the cursor of a page in the middle of the person's tasks."""
    column = getattr(Task, SORTS[sort.removeprefix("-")])
    middle = select(column, Task.id).where(Task.user_id == UUID(person.id)).order_by(column, Task.id)
    with app.app_context(), db.read() as connection:
        middle = middle.offset(SIZES[connection.dialect.name][1] // 2)
        key, task_id = connection.execute(middle.limit(1)).one()
    return task_cursors.write(Query(status=status, sort=sort), key, task_id)  # type: ignore[arg-type]
