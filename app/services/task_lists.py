"""Lists of one person's tasks: filters, order, and keyset pages."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select, tuple_

from app.extensions import db
from app.models import Task, TaskTag
from app.services.errors import InvalidInput
from app.services.task_writes import COLUMNS, TaskRow

Status = Literal["open", "completed", "all", "trash"]
Sort = Literal["due", "-due", "created", "-created", "updated", "-updated"]

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

# Each has an index (user_id, column, id), so a page costs the same wherever it lies.
_SORT_COLUMNS: dict[str, Any] = {"due": Task.due_sort, "created": Task.created_at, "updated": Task.updated_at}


@dataclass(frozen=True)
class Page:
    """Tasks of one page, and the cursor of the next or None after the last."""

    items: list[TaskRow]
    next_cursor: str | None


@dataclass(frozen=True)
class Query:
    """What is asked for: which tasks, in which order."""

    status: Status = "open"
    tag: str | None = None
    q: str | None = None
    sort: Sort = "due"

    def fingerprint(self) -> str:
        """Return a short digest that a cursor carries, so that it is only good for the list it came from."""
        text = json.dumps([self.status, self.tag, self.q, self.sort])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def page(user_id: UUID, query: Query, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Page:
    """Return one page of the person's tasks.

    Raises:
        InvalidInput: the cursor is damaged or came from another list.
    """
    name = query.sort.removeprefix("-")
    column, downwards = _SORT_COLUMNS[name], query.sort.startswith("-")
    statement = select(*COLUMNS, column.label("sort_key")).where(Task.user_id == user_id, *_filters(query))
    if cursor is not None:
        key, last_id = _read_cursor(cursor, query)
        here, there = tuple_(column, Task.id), tuple_(key, last_id)
        statement = statement.where(here < there if downwards else here > there)
    order = (column.desc(), Task.id.desc()) if downwards else (column, Task.id)
    # The rows beyond the page are not read, only whether there is one.
    with db.read() as connection:
        rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    items = [{column.key: row[place] for place, column in enumerate(COLUMNS)} for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(items, None)
    return Page(items, _write_cursor(rows[limit - 1].sort_key, rows[limit - 1].id, query))


def counts(user_id: UUID) -> dict[str, int]:
    """Return how many tasks the person has by status: open, completed, trash."""
    live = Task.deleted_at.is_(None)
    statement = select(
        func.count().filter(live, Task.completed_at.is_(None)).label("open"),
        func.count().filter(live, Task.completed_at.is_not(None)).label("completed"),
        func.count().filter(Task.deleted_at.is_not(None)).label("trash"),
    ).where(Task.user_id == user_id)
    with db.read() as connection:
        return dict(connection.execute(statement).one()._mapping)


def _filters(query: Query) -> list[ColumnElement[bool]]:
    in_trash = query.status == "trash"
    conditions: list[ColumnElement[bool]] = [Task.deleted_at.is_not(None) if in_trash else Task.deleted_at.is_(None)]
    if query.status == "open":
        conditions.append(Task.completed_at.is_(None))
    elif query.status == "completed":
        conditions.append(Task.completed_at.is_not(None))
    if query.tag is not None:
        tagged = exists().where(TaskTag.task_id == Task.id, TaskTag.user_id == Task.user_id, TaskTag.name == query.tag)
        conditions.append(tagged)
    conditions += [
        or_(Task.title.icontains(word, autoescape=True), Task.notes.icontains(word, autoescape=True))
        for word in (query.q or "").split()
    ]
    return conditions


def _write_cursor(key: Any, last_id: UUID, query: Query) -> str:
    text = key.isoformat() if isinstance(key, datetime) else key
    packed = json.dumps([query.fingerprint(), text, last_id.hex]).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _read_cursor(cursor: str, query: Query) -> tuple[Any, UUID]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        fingerprint, key, last_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if fingerprint != query.fingerprint():
            raise InvalidInput(cursor="This cursor belongs to a list with other filters; start again without it.")
        if query.sort.removeprefix("-") != "due":
            key = datetime.fromisoformat(key).astimezone(UTC)
        elif not (isinstance(key, str) and len(key) == 16 and key.isprintable()):
            raise ValueError(key)
        return key, UUID(last_id)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error) as error:
        raise InvalidInput(cursor="This cursor is damaged; start again without it.") from error
