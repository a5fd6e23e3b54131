"""Several writes to one person's tasks in one transaction: all of them, or none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import Task
from app.services import idempotency, task_writes
from app.services.errors import InvalidInput, ServiceError, TaskNotFound
from app.services.idempotency import Request
from app.services.preconditions import Condition
from app.services.task_rows import COLUMNS, TaskRow, row_of

MOST = 100


@dataclass(frozen=True)
class Operation:
    """One write; ``fields`` are those of `app.services.tasks.change`, ``rev`` is the revision it was meant for.

    ``delete`` moves to the trash, ``remove`` deletes for good what is there.
    """

    op: Literal["create", "put", "update", "delete", "restore", "remove"]
    task_id: UUID | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    rev: int | None = None


def run(user_id: UUID, operations: Sequence[Operation], request: Request | None = None) -> tuple[list[TaskRow], bool]:
    """Carry the operations out in their order; commits.

    Returns the task of each as it is afterwards, and True; or False if ``request`` was carried out before: then the
    tasks are as they are now.

    Raises:
        ServiceError: what the first operation that fails raises, with its number as member ``operation``; none was
            carried out.
        IdempotencyKeyReused: the request's key was used for another request.
        TaskNotFound: the request was carried out before, and a task of it is gone since.
        UserNotFound: there is no such account.
    """
    with task_writes.unit_of_work(user_id) as rev:
        if (earlier := idempotency.earlier(user_id, request)) is not None:
            rows = _found(user_id, earlier)
            db.session.rollback()
            if not all(rows):
                raise TaskNotFound
            return [row for row in rows if row], False
        done = []
        for number, operation in enumerate(operations):
            try:
                done.append(_carry_out(user_id, rev, operation))
            except ServiceError as error:
                raise _of_operation(number, operation, error) from error
        # As they are after the last one: an operation may have changed what another one returned.
        rows = _found(user_id, [row["id"] for row in done])
        idempotency.keep(user_id, request, [row["id"] for row in done])
        if request is None and all(row and row["rev"] != rev for row in rows):
            db.session.rollback()  # nothing was written, so the counter is not raised either
    return [row for row in rows if row], True


def _carry_out(user_id: UUID, rev: int, it: Operation) -> TaskRow:
    condition = Condition(revs=None if it.rev is None else frozenset((it.rev,)))
    if it.task_id is None:
        return task_writes.add(user_id, rev, it.fields)
    if it.op == "put":
        return task_writes.put(user_id, rev, it.task_id, it.fields, condition)[0]
    if it.op == "update":
        return task_writes.change(user_id, rev, it.task_id, it.fields, condition)
    if it.op == "remove":
        return task_writes.remove(user_id, rev, it.task_id, condition)
    return task_writes.move(user_id, rev, it.task_id, to_trash=it.op == "delete", condition=condition)


def _found(user_id: UUID, task_ids: Sequence[UUID]) -> list[TaskRow | None]:
    rows = db.session.execute(select(*COLUMNS).where(Task.user_id == user_id, Task.id.in_(task_ids)))
    by_id = {row.id: row_of(row) for row in rows}
    return [by_id.get(task_id) for task_id in task_ids]


def _of_operation(number: int, it: Operation, error: ServiceError) -> ServiceError:
    if isinstance(error, InvalidInput):
        error = error.below(f"operations/{number}/{'changes' if it.op == 'update' else 'task'}")
    error.members["operation"] = number
    return error
