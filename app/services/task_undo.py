"""Taking back what the last write to a task did to it."""

from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import Task, utcnow
from app.services import task_writes
from app.services.task_rows import COLUMNS, TaskRow


def undo(user_id: UUID, written_at: int) -> list[TaskRow]:
    """Take back the write of that revision, on those of its tasks that nobody has written to since; commits.

    What it changed gets its former values, what it created goes to the trash. Returns these tasks as they are now, none
    if there is nothing left to take back; their revision names this write, which can be undone in turn.

    Raises:
        UserNotFound: the account was deleted in the meantime.
    """
    with task_writes.unit_of_work(user_id) as rev:
        mine = Task.user_id == user_id, Task.rev == written_at, Task.former.is_not(None)
        rows = []
        for found in db.session.execute(select(*COLUMNS, Task.former).where(*mine)).all():
            before = dict(found._mapping)
            former = before.pop("former") or {"deleted_at": utcnow()}
            rows.append(task_writes.rewrite(user_id, rev, before, former))
        if not rows:
            db.session.rollback()
    return rows
