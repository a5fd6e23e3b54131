"""Tasks: create, read, change, trash, restore. Every function takes the owner first and sees nobody else's rows.

Those that write for one request raise `UserNotFound`, too, if the account was deleted in the meantime.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, insert, select, update
from sqlalchemy import delete as delete_

from app.database import BoundSelect
from app.extensions import db
from app.models import DeletedTask, Task, utcnow
from app.services import idempotency, task_writes
from app.services.errors import TaskNotFound, UserNotFound
from app.services.idempotency import Request
from app.services.preconditions import ANY, Condition
from app.services.task_rows import COLUMNS, TaskRow, row_of
from app.services.task_writes import unit_of_work

# Made once: building a statement and finding out that it was compiled before costs as much as carrying it out.
_ONE = select(*COLUMNS).where(Task.user_id == bindparam("owner"), Task.id == bindparam("task"))
# While one is deleted, the person's other writes wait, and on SQLite everybody's.
_BATCH = 500


def create(user_id: UUID, fields: dict[str, Any], request: Request | None = None) -> tuple[TaskRow, bool]:
    """Add a task; commits. Returns it and True, or False when ``request`` was carried out before: then it is as it is.

    ``fields`` are those of `change`, with ``title`` required.

    Raises:
        InvalidInput: a due time without a due date.
        IdempotencyKeyReused: the request's key was used for another request.
        TaskNotFound: the request is a repetition, and its task was deleted for good since.
    """
    if request is None and not fields.get("tags") and db.on_postgresql:
        return task_writes.add_at_once(user_id, fields), True
    with unit_of_work(user_id) as rev:
        if (earlier := idempotency.earlier(user_id, request)) is not None:
            db.session.rollback()
            return get(user_id, earlier[0]), False
        row = task_writes.add(user_id, rev, fields)
        idempotency.keep(user_id, request, [row["id"]])
    return row, True


def statement(user_id: UUID, task_id: UUID) -> BoundSelect:
    """Return what `get` asks the database."""
    return BoundSelect(_ONE, {"owner": user_id, "task": task_id})


def get(user_id: UUID, task_id: UUID) -> TaskRow:
    """Return the task, in the trash or not.

    Raises:
        TaskNotFound: the person has no such task; somebody else's does not exist here.
    """
    rows = db.fetch_all(*statement(user_id, task_id))
    if not rows:
        raise TaskNotFound
    return row_of(rows[0])


def change(user_id: UUID, task_id: UUID, fields: dict[str, Any], condition: Condition = ANY) -> TaskRow:
    """Set the given fields of a task that is not in the trash; commits. Returns it afterwards.

    Args:
        user_id: the owner.
        task_id: which task.
        fields: any of title, notes, priority (a `Priority`), due_date, due_time, tags (a list of names) and completed
            (True keeps the time of the first completion).
        condition: what must hold for it to be done.

    Raises:
        TaskNotFound: no such task outside the trash.
        PreconditionFailed: the condition does not hold.
        InvalidInput: a due time would be left without a due date.
    """
    with unit_of_work(user_id) as rev:
        row = task_writes.change(user_id, rev, task_id, fields, condition)
        _keep_counter(row, rev)
    return row


def put(user_id: UUID, task_id: UUID, fields: dict[str, Any], condition: Condition = ANY) -> tuple[TaskRow, bool]:
    """Create the task under this id, or replace it, also if it is in the trash; commits. Returns it, and if it is new.

    ``fields`` are those of `change`; what is left out becomes empty.

    Raises:
        PreconditionFailed: the condition does not hold.
        InvalidInput: a due time without a due date.
    """
    with unit_of_work(user_id) as rev:
        row, is_new = task_writes.put(user_id, rev, task_id, fields, condition)
        _keep_counter(row, rev)
    return row, is_new


def trash(user_id: UUID, task_id: UUID, condition: Condition = ANY) -> TaskRow:
    """Move a task to the trash; commits. Returns it; one that is there already stays as it is.

    Raises:
        TaskNotFound: no such task.
        PreconditionFailed: the condition does not hold.
    """
    with unit_of_work(user_id) as rev:
        row = task_writes.move(user_id, rev, task_id, to_trash=True, condition=condition)
        _keep_counter(row, rev)
    return row


def restore(user_id: UUID, task_id: UUID, condition: Condition = ANY) -> TaskRow:
    """Bring a task back from the trash; commits. Returns it; one that is there already stays as it is.

    Raises:
        TaskNotFound: no such task.
        PreconditionFailed: the condition does not hold.
    """
    with unit_of_work(user_id) as rev:
        row = task_writes.move(user_id, rev, task_id, to_trash=False, condition=condition)
        _keep_counter(row, rev)
    return row


def restore_changed(user_id: UUID, task_id: UUID, fields: dict[str, Any], condition: Condition = ANY) -> TaskRow:
    """Bring a task back from the trash and change it as `change`, both or neither; commits. Returns it.

    Raises:
        TaskNotFound, PreconditionFailed, InvalidInput: as `change`, but for the trash.
    """
    with unit_of_work(user_id) as rev:
        before = task_writes.find(user_id, task_id)
        if before is None:
            raise TaskNotFound
        condition.check(before)
        # One write, so that undoing it takes back both.
        row = task_writes.rewrite(user_id, rev, before, fields | {"deleted_at": None})
        _keep_counter(row, rev)
    return row


def delete(user_id: UUID, task_id: UUID, condition: Condition = ANY) -> None:
    """Delete a task that is in the trash, for good; commits.

    Raises:
        TaskNotFound: no such task.
        TaskNotInTrash: it is not in the trash.
        PreconditionFailed: the condition does not hold.
    """
    with unit_of_work(user_id) as rev:
        task_writes.remove(user_id, rev, task_id, condition)


def delete_trashed(user_id: UUID, task_ids: list[UUID], which: ColumnElement[bool]) -> int:
    """Delete, in the caller's transaction, these tasks for good if ``which`` holds, as `delete`; return how many."""
    try:
        rev = task_writes.next_rev(user_id)
    except UserNotFound:
        return 0  # deleted in the meantime, with everything
    mine = delete_(Task).where(Task.user_id == user_id, Task.id.in_(task_ids), which)
    gone = db.session.scalars(mine.returning(Task.id)).all()
    if gone:
        rows = [{"user_id": user_id, "id": task_id, "rev": rev, "deleted_at": utcnow()} for task_id in gone]
        db.session.execute(insert(DeletedTask), rows)
    return len(gone)


def empty_trash(user_id: UUID) -> int:
    """Delete for good all that is in the trash, some hundred tasks at a time; commits each time. Returns how many."""
    trashed, removed = Task.deleted_at.is_not(None), 0
    some = select(Task.id).where(Task.user_id == user_id, trashed).limit(_BATCH)
    while task_ids := list(db.session.scalars(some)):
        removed += delete_trashed(user_id, task_ids, trashed)
        db.session.commit()
    db.session.rollback()
    return removed


def restamp_times(user_id: UUID) -> None:
    """Give a new revision to the tasks with a due time, in the caller's transaction: their instant has moved."""
    rev = task_writes.next_rev(user_id)
    timed = update(Task).where(Task.user_id == user_id, Task.due_time.is_not(None))
    db.session.execute(timed.values(rev=rev, former=None))


def _keep_counter(row: TaskRow, rev: int) -> None:
    """Take the raised counter back if the task is as it was: what did not change has no new revision."""
    if row["rev"] != rev:
        db.session.rollback()
