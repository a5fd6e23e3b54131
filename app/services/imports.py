"""Tasks from a file: added or brought up to date by id, all in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.extensions import db
from app.models import DeletedTask, Task, title_sort_key, utcnow
from app.services import bulk, idempotency, task_writes
from app.services.idempotency import Request
from app.services.task_rows import COLUMNS, TaskRow


@dataclass(frozen=True)
class Outcome:
    """What an import did, or would do: how many tasks it added, changed, and found to be the same already."""

    created: int
    updated: int
    unchanged: int


def run(user_id: UUID, many: Sequence[dict[str, Any]], *, dry_run: bool, request: Request | None = None) -> Outcome:
    """Add each task, or change the person's task that has its id; commits. Says what happened.

    Other people's tasks are out of reach, whatever the ids.

    Args:
        user_id: the owner.
        many: for each task fields of `tasks.create`, and if known ``id`` and the times created_at, updated_at,
            completed_at and deleted_at. No id occurs twice. Of a task that exists, fields that are left out stay.
        dry_run: only say what would happen; writes nothing and takes no lock.
        request: what may be repeated because its answer was lost; a repetition finds everything the same.

    Raises:
        UserNotFound: there is no such account.
        InvalidInput: a task would have a due time without a due date.
    """
    now = utcnow()
    if dry_run:
        with db.read() as connection:
            created, updated = _compared(user_id, many, now, connection.execute)
    else:
        with task_writes.unit_of_work(user_id) as rev:  # from here on nobody else writes to this person's tasks
            repeated = idempotency.earlier(user_id, request) is not None
            created, updated = ([], []) if repeated else _compared(user_id, many, now, db.session.execute)
            if created or updated:
                _write(user_id, rev, created, updated)
                idempotency.keep(user_id, request, [])
            else:
                db.session.rollback()  # what did not change has no new revision
    return Outcome(len(created), len(updated), len(many) - len(created) - len(updated))


def _compared(
    user_id: UUID, many: Sequence[dict[str, Any]], now: datetime, execute: Callable[..., Any]
) -> tuple[list[TaskRow], list[TaskRow]]:
    """Return the rows to add, and those to replace."""
    created, updated = [], []
    for piece in bulk.pieces(many):
        ids = [fields["id"] for fields in piece if "id" in fields]
        found = execute(select(*COLUMNS).where(Task.user_id == user_id, Task.id.in_(ids))) if ids else ()
        existing = {row.id: dict(row._mapping) for row in found}
        for fields in piece:
            before = existing.get(fields.get("id"))
            if before is None:
                created.append(task_writes.new_row(user_id, fields, now))
            elif (after := _after(before, fields, now)) is not None:
                updated.append(after | {"user_id": user_id})
    return created, updated


def _after(before: TaskRow, fields: dict[str, Any], now: datetime) -> TaskRow | None:
    """Return the row with the fields in it, or None if it has them already."""
    given = dict(fields)
    if "completed" in given and given.pop("completed") != (before["completed_at"] is not None):
        given["completed_at"] = None if before["completed_at"] else now
    if all(before[name] == value for name, value in given.items()):
        return None
    row = before | {"updated_at": now} | given
    row["title_sort"] = title_sort_key(row["title"])
    row["due_sort"] = task_writes.due_sort(row)
    return row


def _write(user_id: UUID, rev: int, created: list[TaskRow], updated: list[TaskRow]) -> None:
    # Taken out and put in anew: two statements for each piece instead of one for each task; the tags go along.
    for piece in bulk.pieces(updated):
        ids = [row["id"] for row in piece]
        db.session.execute(delete(Task).where(Task.user_id == user_id, Task.id.in_(ids)))
    for piece in bulk.pieces(created):
        ids = [row["id"] for row in piece]
        db.session.execute(delete(DeletedTask).where(DeletedTask.user_id == user_id, DeletedTask.id.in_(ids)))
    bulk.add_rows([row | {"rev": rev} for row in (*created, *updated)])
