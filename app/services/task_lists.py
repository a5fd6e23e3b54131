"""Lists of one person's tasks: filters, order, keyset pages and counts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, exists, func, not_, or_, select, tuple_

from app.database import BoundSelect
from app.extensions import db
from app.models import Priority, Task, TaskTag
from app.services import task_cursors
from app.services.task_query import Query, Sort, Status, minute
from app.services.task_rows import COLUMNS, TaskRow, row_of

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

# Each has an index (user_id, column, id), so a page costs the same wherever it lies. No other index offers any of
# these orders: by id alone PostgreSQL would walk through everybody's tasks.
_SORT_COLUMNS: dict[str, Any] = {
    "due": Task.due_sort,
    "priority": Task.priority,
    "created": Task.created_at,
    "updated": Task.updated_at,
    "title": Task.title_sort,
}


@dataclass(frozen=True)
class Page:
    """Tasks of one page, and where the next and the previous page begin, None where there is none."""

    items: list[TaskRow]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def page(
    user_id: UUID, query: Query, limit: int = DEFAULT_LIMIT, cursor: str | None = None, *, backwards: bool = False
) -> Page:
    """Return one page of the person's tasks: what comes after the cursor's task, or if ``backwards`` before it.

    Raises:
        InvalidInput: the cursor is damaged or came from another list.
    """
    asked = statement(user_id, query, limit, cursor, backwards=backwards)
    if narrowed(asked):
        with db.read() as connection:
            rows: Sequence[Any] = connection.execute(*asked).all()
    else:
        rows = db.fetch_all(*asked)
    more, rows = len(rows) > limit, rows[:limit]
    continued = cursor is not None
    if backwards:
        rows = rows[::-1]
    following, previous = (continued, more) if backwards else (more, continued)
    return Page(
        [row_of(row) for row in rows],
        next_cursor=_cursor(query, rows[-1]) if rows and following else None,
        previous_cursor=_cursor(query, rows[0]) if rows and previous else None,
    )


def statement(
    user_id: UUID, query: Query, limit: int, cursor: str | None = None, *, backwards: bool = False
) -> BoundSelect:
    """Return what `page` asks the database for these arguments.

    Raises:
        InvalidInput: the cursor is damaged or came from another list.
    """
    narrowings, values = _narrowings(user_id, query)
    if cursor is not None:
        values["last_key"], values["last_id"] = task_cursors.read(cursor, query)
    # The rows beyond the page are not read, only whether there is one.
    values["rows"] = limit + 1
    continued = cursor is not None
    return BoundSelect(
        _page_statement(query.status, narrowings, query.order, continued=continued, backwards=backwards), values
    )


def narrowed(asked: BoundSelect) -> bool:
    """Tell whether how best to find the tasks depends on the values: such a list is planned each time, others once."""
    return "value_0" in asked.parameters


def total(user_id: UUID, query: Query) -> int:
    """Return how many tasks the query finds on all its pages."""
    narrowings, values = _narrowings(user_id, query)
    with db.read() as connection:
        number: int = connection.execute(_total_statement(query.status, narrowings), values).scalar_one()
    return number


def counts(user_id: UUID, now: datetime) -> dict[Status, int]:
    """Return how many tasks the person has by status, at ``now`` on the person's clock; all but ``all``."""
    live = Task.deleted_at.is_(None)
    is_open = live & Task.completed_at.is_(None)
    today = Query().due("=", now.date())
    statement = select(
        func.count().filter(is_open).label("open"),
        func.count().filter(is_open, Task.due_sort >= today.due_from, Task.due_sort < today.due_before).label("today"),
        func.count().filter(is_open, Task.due_sort < minute(now)).label("overdue"),
        func.count().filter(live, Task.completed_at.is_not(None)).label("completed"),
        func.count().filter(Task.deleted_at.is_not(None)).label("trash"),
    ).where(Task.user_id == user_id)
    with db.read() as connection:
        return dict(connection.execute(statement).one()._mapping)


def _cursor(query: Query, row: Sequence[Any]) -> str:
    return task_cursors.write(query, key=row[-1], task_id=row[0])


def _narrowings(user_id: UUID, query: Query) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of what narrows the list, and the parameters: each name's place in the names is its value's."""
    found = list(_wanted(query))
    values: dict[str, Any] = {f"value_{place}": value for place, (_, value) in enumerate(found)}
    return tuple(name for name, _ in found), values | {"owner": user_id}


def _wanted(query: Query) -> Iterator[tuple[str, Any]]:
    yield from (("word", _pattern(word)) for word in query.words)
    yield from (("without_word", _pattern(word)) for word in query.without_words)
    yield from (("tag", name) for name in query.tags)
    yield from (("without_tag", name) for name in query.without_tags)
    if query.least_priority > Priority.NONE:
        yield "least_priority", query.least_priority
    if query.most_priority < Priority.HIGH:
        yield "most_priority", query.most_priority
    for name in ("due_from", "due_before", "updated_since"):
        if value := getattr(query, name):
            yield name, value


# Building a statement and finding out that it was compiled before costs a third of a request. There are few shapes of
# queries, and the values are not part of them.
@lru_cache(maxsize=256)
def _page_statement(
    status: Status, narrowings: tuple[str, ...], sort: Sort, *, continued: bool, backwards: bool
) -> Select[Any]:
    column, downwards = _SORT_COLUMNS[sort.removeprefix("-")], sort.startswith("-") is not backwards
    columns: list[Any] = [*COLUMNS, column.label("sort_key")]
    statement = select(*columns).where(*_conditions(status, narrowings))
    if continued:
        here = tuple_(column, Task.id)
        last = tuple_(bindparam("last_key", type_=column.type), bindparam("last_id", type_=Task.id.type))
        statement = statement.where(here < last if downwards else here > last)
    order = (column.desc(), Task.id.desc()) if downwards else (column, Task.id)
    return statement.order_by(*order).limit(bindparam("rows"))


@lru_cache(maxsize=64)
def _total_statement(status: Status, narrowings: tuple[str, ...]) -> Select[Any]:
    return select(func.count()).select_from(Task).where(*_conditions(status, narrowings))


def _conditions(status: Status, narrowings: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
    yield Task.user_id == bindparam("owner")
    yield Task.deleted_at.is_not(None) if status == "trash" else Task.deleted_at.is_(None)
    if status in ("open", "today", "overdue"):
        yield Task.completed_at.is_(None)
    elif status == "completed":
        yield Task.completed_at.is_not(None)
    yield from (_NARROWINGS[name](bindparam(f"value_{place}")) for place, name in enumerate(narrowings))


def _contains(pattern: BindParameter[str]) -> ColumnElement[bool]:
    return or_(Task.title.ilike(pattern, escape="/"), Task.notes.ilike(pattern, escape="/"))


def _pattern(words: str) -> str:
    escaped = words.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return f"%{escaped}%"


def _tagged(name: BindParameter[str]) -> ColumnElement[bool]:
    return exists().where(TaskTag.task_id == Task.id, TaskTag.user_id == Task.user_id, TaskTag.name == name)


# What narrows a list, by name: from the parameter that the value goes into.
_NARROWINGS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "word": _contains,
    "without_word": lambda pattern: not_(_contains(pattern)),
    "tag": _tagged,
    "without_tag": lambda name: not_(_tagged(name)),
    "least_priority": lambda level: Task.priority >= level,
    "most_priority": lambda level: Task.priority <= level,
    "due_from": lambda key: Task.due_sort >= key,
    "due_before": lambda key: Task.due_sort < key,
    "updated_since": lambda instant: Task.updated_at >= instant,
}
