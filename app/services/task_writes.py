"""What is done to the rows of one person's tasks, within a unit of work that somebody else begins and commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Insert,
    String,
    Text,
    bindparam,
    cast,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from app.extensions import db
from app.models import DeletedTask, Priority, Task, TaskTag, due_sort_key, time_ordered_id, title_sort_key, utcnow
from app.services.errors import InvalidInput, TaskNotFound, TaskNotInTrash, UserNotFound
from app.services.preconditions import ANY, Condition
from app.services.task_rows import COLUMNS, TaskRow, row_of

# Of tables, not classes, and made once: the ORM takes longer to make a statement than the database to carry it out.
_tasks, _users = db.metadata.tables["tasks"], db.metadata.tables["users"]
_ADD = insert(_tasks).returning(*(_tasks.c[column.key] for column in COLUMNS))
_NEXT_REV = update(_users).where(_users.c.id == bindparam("owner")).values(rev=_users.c.rev + 1).returning(_users.c.rev)

_EMPTY: dict[str, Any] = {
    "notes": "",
    "priority": Priority.NONE,
    "due_date": None,
    "due_time": None,
    "tags": [],
    "completed_at": None,
    "deleted_at": None,
}


@contextmanager
def unit_of_work(user_id: UUID) -> Iterator[int]:
    """Yield the revision to stamp on what is written, and commit in the end; roll back on any exception.

    Raises:
        UserNotFound: there is no such account.
    """
    try:
        yield next_rev(user_id)
    except BaseException:
        db.session.rollback()
        raise
    db.session.commit()


def next_rev(user_id: UUID) -> int:
    """Raise and return the person's counter, in the caller's transaction.

    The row lock it takes puts that person's writes in the order of their commits.

    Raises:
        UserNotFound: there is no such account.
    """
    rev: int | None = db.session.connection().scalar(_NEXT_REV, {"owner": user_id})
    if rev is None:
        raise UserNotFound
    return rev


def add(user_id: UUID, rev: int, fields: dict[str, Any], task_id: UUID | None = None) -> TaskRow:
    """Add a task under a new id, or under one that the client chose. Returns it.

    Raises:
        InvalidInput: a due time without a due date.
    """
    values = new_row(user_id, fields, utcnow()) | {"former": {}} | ({"id": task_id} if task_id else {})
    row = db.session.connection().execute(_ADD, values | {"rev": rev}).one()
    if task_id:
        db.session.execute(delete(DeletedTask).where(DeletedTask.user_id == user_id, DeletedTask.id == task_id))
    _index_tags(user_id, row.id, row.tags)
    return dict(row._mapping)


def add_at_once(user_id: UUID, fields: dict[str, Any]) -> TaskRow:
    """Do what `add` does in a unit of work of its own, for a task without tags, by one statement; PostgreSQL only.

    The counter, the task and the ends of the transaction are a round trip each otherwise: half of the time it takes.

    Raises:
        InvalidInput: a due time without a due date.
        UserNotFound: there is no such account.
    """
    values = {f"new_{name}": value for name, value in new_row(user_id, fields, utcnow()).items()}
    values |= {"owner": user_id, "new_priority": int(values["new_priority"])}
    if rows := db.execute_autocommit(_add_at_once(), values):
        return row_of(rows[0])
    raise UserNotFound


@cache
def _add_at_once() -> Insert:
    counted = _NEXT_REV.cte("counted")
    same: dict[str, Any] = {"rev": counted.c.rev, "tags": literal_column("'[]'"), "former": literal_column("'{}'")}
    # Of names that no column of the update has: SQLAlchemy would set that too.
    given = {each.key: bindparam(f"new_{each.key}", type_=each.type) for each in _tasks.c if each.key not in same}
    # Not to the length of a column: a cast cuts off what is too long, storing it is an error.
    kinds = {each.key: Text() if isinstance(each.type, String) else each.type for each in _tasks.c}
    values = {name: cast(value, kinds[name]) for name, value in (given | same).items()}
    made = insert(_tasks).from_select(list(values), select(*values.values()))
    return made.returning(*(_tasks.c[column.key] for column in COLUMNS))


def change(user_id: UUID, rev: int, task_id: UUID, fields: dict[str, Any], condition: Condition = ANY) -> TaskRow:
    """Set the given fields of a task that is not in the trash. Returns it; with another ``rev`` if nothing changed.

    Raises:
        TaskNotFound: no such task outside the trash.
        PreconditionFailed: the condition does not hold.
        InvalidInput: a due time would be left without a due date.
    """
    before = find(user_id, task_id)
    if before is None or before["deleted_at"] is not None:
        raise TaskNotFound
    condition.check(before)
    return rewrite(user_id, rev, before, fields)


def put(
    user_id: UUID, rev: int, task_id: UUID, fields: dict[str, Any], condition: Condition = ANY
) -> tuple[TaskRow, bool]:
    """Make the task of this id one of these fields and nothing else, wherever it was. Returns it, and if it is new.

    Raises:
        PreconditionFailed: the condition does not hold.
        InvalidInput: a due time without a due date.
    """
    before = find(user_id, task_id)
    condition.check(before)
    if before is None:
        return add(user_id, rev, fields, task_id), True
    return rewrite(user_id, rev, before, _EMPTY | fields), False


def move(user_id: UUID, rev: int, task_id: UUID, *, to_trash: bool, condition: Condition = ANY) -> TaskRow:
    """Move a task to the trash, or back from it. Returns it, as `change`: one that is there already stays as it is.

    Raises:
        TaskNotFound: no such task.
        PreconditionFailed: the condition does not hold.
    """
    before = find(user_id, task_id)
    if before is None:
        raise TaskNotFound
    condition.check(before)
    if (before["deleted_at"] is not None) is to_trash:
        return before
    return rewrite(user_id, rev, before, {"deleted_at": utcnow() if to_trash else None})


def remove(user_id: UUID, rev: int, task_id: UUID, condition: Condition = ANY) -> TaskRow:
    """Delete a task in the trash for good, and remember that for the devices that have a copy. Returns it as it was.

    Raises:
        TaskNotFound: no such task.
        TaskNotInTrash: it is not in the trash.
        PreconditionFailed: the condition does not hold.
    """
    before = find(user_id, task_id)
    if before is None:
        raise TaskNotFound
    condition.check(before)
    if before["deleted_at"] is None:
        raise TaskNotInTrash
    db.session.execute(delete(Task).where(*_own(user_id, task_id)))
    db.session.execute(insert(DeletedTask).values(user_id=user_id, id=task_id, rev=rev, deleted_at=utcnow()))
    return before


def find(user_id: UUID, task_id: UUID) -> TaskRow | None:
    """Return the task as it is in this unit of work, in the trash or not; None: the person has no such task."""
    row = db.session.execute(select(*COLUMNS).where(*_own(user_id, task_id))).one_or_none()
    return row and dict(row._mapping)


def new_row(user_id: UUID, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns of a new task, all but ``rev``.

    Raises:
        InvalidInput: a due time without a due date.
    """
    row = {"id": time_ordered_id(), "user_id": user_id, "created_at": now, "updated_at": now} | _EMPTY
    row |= _columns(fields, now)
    return row | {"due_sort": due_sort(row)}


def rewrite(user_id: UUID, rev: int, before: TaskRow, fields: dict[str, Any]) -> TaskRow:
    """Give a task fields of `tasks.change`, or values of its columns; keeps what they replace. Returns it, as `change`.

    Raises:
        InvalidInput: a due time would be left without a due date.
    """
    values = _columns(fields, utcnow())
    if values.get("completed_at") is not None and before["completed_at"] is not None:
        values["completed_at"] = before["completed_at"]  # the time of the first completion stays
    after = before | {name: value for name, value in values.items() if name in before}
    if after == before:
        return before
    former = {name: before[name] for name in values if name in before and before[name] != after[name]}
    values |= {"due_sort": due_sort(after), "updated_at": utcnow(), "rev": rev, "former": former}
    statement = update(Task).where(*_own(user_id, before["id"])).values(**values).returning(*COLUMNS)
    row = db.session.execute(statement).one()
    if row.tags != before["tags"]:
        db.session.execute(delete(TaskTag).where(TaskTag.user_id == user_id, TaskTag.task_id == row.id))
        _index_tags(user_id, row.id, row.tags)
    return dict(row._mapping)


def due_sort(row: dict[str, Any]) -> str:
    """Return where a task with these columns stands among those that are due.

    Raises:
        InvalidInput: it has a due time without a due date.
    """
    if row["due_time"] is not None and row["due_date"] is None:
        raise InvalidInput(due_time="A due time needs a due date.")
    return due_sort_key(row["due_date"], row["due_time"])


def _own(user_id: UUID, task_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Task.user_id == user_id, Task.id == task_id


def _columns(fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns for the fields: all but ``completed`` keep their names."""
    values = {name: value for name, value in fields.items() if name != "completed"}
    if "title" in fields:
        values["title_sort"] = title_sort_key(fields["title"])
    if "completed" in fields:
        values["completed_at"] = now if fields["completed"] else None
    return values


def _index_tags(user_id: UUID, task_id: UUID, tags: list[str]) -> None:
    if tags:
        db.session.execute(insert(TaskTag), [{"task_id": task_id, "name": name, "user_id": user_id} for name in tags])
