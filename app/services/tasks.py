"""Tasks: create, read, change, trash, restore. Every function takes the owner first and sees nobody else's rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, update

from app.extensions import db
from app.models import Priority, Task, TaskTag, User, due_sort_key, time_ordered_id, title_sort_key, utcnow
from app.services.errors import InvalidInput, TaskNotFound, UserNotFound

COLUMNS = (
    Task.id,
    Task.title,
    Task.notes,
    Task.priority,
    Task.due_date,
    Task.due_time,
    Task.tags,
    Task.completed_at,
    Task.deleted_at,
    Task.created_at,
    Task.updated_at,
    Task.rev,
)

#: A row of `COLUMNS`, by name.
TaskRow = dict[str, Any]


def create(user_id: UUID, fields: dict[str, Any]) -> TaskRow:
    """Add a task; commits. ``fields`` are those of `change`, with ``title`` required.

    Raises:
        InvalidInput: a due time without a due date.
    """
    now = utcnow()
    values = new_row(user_id, fields, now)
    row = db.session.execute(insert(Task).values(rev=next_rev(user_id), **values).returning(*COLUMNS)).one()
    _index_tags(user_id, row.id, row.tags)
    db.session.commit()
    return dict(row._mapping)


def get(user_id: UUID, task_id: UUID) -> TaskRow:
    """Return the task, in the trash or not.

    Raises:
        TaskNotFound: the person has no such task; somebody else's does not exist here.
    """
    with db.read() as connection:
        row = connection.execute(select(*COLUMNS).where(*_own(user_id, task_id))).one_or_none()
    if row is None:
        raise TaskNotFound
    return dict(row._mapping)


def change(user_id: UUID, task_id: UUID, fields: dict[str, Any]) -> TaskRow:
    """Set the given fields of a task that is not in the trash; commits. Returns it afterwards.

    Args:
        user_id: the owner.
        task_id: which task.
        fields: any of title, notes, priority (a `Priority`), due_date, due_time, tags (a list of names) and completed
            (True keeps the time of the first completion).

    Raises:
        TaskNotFound: no such task outside the trash.
        InvalidInput: a due time would be left without a due date.
    """
    now = utcnow()
    rev = next_rev(user_id)
    mine = [*_own(user_id, task_id), Task.deleted_at.is_(None)]
    before = db.session.execute(select(*COLUMNS).where(*mine)).one_or_none()
    if before is None:
        db.session.rollback()
        raise TaskNotFound
    values = _stored(fields, now)
    if values.get("completed_at") is not None and before.completed_at is not None:
        del values["completed_at"]
    after = dict(before._mapping) | values
    if all(after == before._mapping[name] for name, after in values.items() if name in before._mapping):
        db.session.rollback()
        return after
    try:
        values["due_sort"] = _due_sort(after["due_date"], after["due_time"])
    except InvalidInput:
        db.session.rollback()
        raise
    row = db.session.execute(
        update(Task).where(*mine).values(updated_at=now, rev=rev, **values).returning(*COLUMNS)
    ).one()
    if "tags" in values:
        db.session.execute(delete(TaskTag).where(TaskTag.user_id == user_id, TaskTag.task_id == task_id))
        _index_tags(user_id, task_id, row.tags)
    db.session.commit()
    return dict(row._mapping)


def trash(user_id: UUID, task_id: UUID) -> TaskRow:
    """Move a task to the trash; commits. Returns it.

    Raises:
        TaskNotFound: no such task outside the trash.
    """
    return _move(user_id, task_id, Task.deleted_at.is_(None), utcnow())


def restore(user_id: UUID, task_id: UUID) -> TaskRow:
    """Bring a task back from the trash; commits. Returns it.

    Raises:
        TaskNotFound: no such task in the trash.
    """
    return _move(user_id, task_id, Task.deleted_at.is_not(None), None)


def _move(user_id: UUID, task_id: UUID, where_it_is: ColumnElement[bool], deleted_at: Any) -> TaskRow:
    rev = next_rev(user_id)
    row = db.session.execute(
        update(Task)
        .where(*_own(user_id, task_id), where_it_is)
        .values(deleted_at=deleted_at, updated_at=utcnow(), rev=rev)
        .returning(*COLUMNS)
    ).one_or_none()
    if row is None:
        db.session.rollback()
        raise TaskNotFound
    db.session.commit()
    return dict(row._mapping)


def _own(user_id: UUID, task_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Task.user_id == user_id, Task.id == task_id


def new_row(user_id: UUID, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns of a new task, all but ``rev``.

    Raises:
        InvalidInput: a due time without a due date.
    """
    row = {
        "id": time_ordered_id(),
        "user_id": user_id,
        "notes": "",
        "priority": Priority.NONE,
        "due_date": None,
        "due_time": None,
        "tags": [],
        "completed_at": None,
        "deleted_at": None,
        "created_at": now,
        "updated_at": now,
    } | _stored(fields, now)
    return row | {"due_sort": _due_sort(row["due_date"], row["due_time"])}


def next_rev(user_id: UUID) -> int:
    """Raise and return the person's counter, in the caller's transaction.

    The row lock it takes puts that person's writes in the order of their commits.

    Raises:
        UserNotFound: there is no such account.
    """
    statement = update(User).where(User.id == user_id).values(rev=User.rev + 1).returning(User.rev)
    rev = db.session.scalar(statement)
    if rev is None:
        db.session.rollback()
        raise UserNotFound
    return rev


def _stored(fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the columns for the fields: all but ``completed`` keep their names."""
    values = {name: value for name, value in fields.items() if name != "completed"}
    if "title" in fields:
        values["title_sort"] = title_sort_key(fields["title"])
    if "completed" in fields:
        values["completed_at"] = now if fields["completed"] else None
    return values


def _due_sort(due_date: Any, due_time: Any) -> str:
    if due_time is not None and due_date is None:
        raise InvalidInput(due_time="A due time needs a due date.")
    return due_sort_key(due_date, due_time)


def _index_tags(user_id: UUID, task_id: UUID, tags: list[str]) -> None:
    if tags:
        db.session.execute(insert(TaskTag), [{"task_id": task_id, "name": name, "user_id": user_id} for name in tags])
