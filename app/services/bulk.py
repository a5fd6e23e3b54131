"""Many tasks of one person at once."""

from collections.abc import Iterator, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert

from app.extensions import db
from app.models import Task, TaskTag, utcnow
from app.services import task_writes

#: Some databases take no more values in one statement.
_PIECE = 500


def create_many(user_id: UUID, many: Sequence[dict[str, Any]]) -> int:
    """Add tasks in one transaction, all or none; commits. Returns how many.

    Some thousands are a good number: one write of the owner's counter, and a short time for which other writers wait.

    Args:
        user_id: the owner.
        many: for each task the fields of `tasks.create`; one that has a past also brings its times, any of created_at,
            updated_at, completed_at and deleted_at.

    Raises:
        InvalidInput: a due time without a due date.
        UserNotFound: there is no such account.
    """
    now = utcnow()
    rows = [task_writes.new_row(user_id, fields, now) for fields in many]
    rev = task_writes.next_rev(user_id)
    add_rows([row | {"rev": rev} for row in rows])
    db.session.commit()
    return len(rows)


def add_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Add whole rows of tasks, with their tags, in the caller's transaction."""
    tags = [{"task_id": row["id"], "name": name, "user_id": row["user_id"]} for row in rows for name in row["tags"]]
    # Tables, not classes: the ORM would look at each row again.
    for table, values in ((Task.__table__, rows), (TaskTag.__table__, tags)):
        for piece in pieces(values):
            db.session.execute(insert(cast(Table, table)), piece)


def pieces(many: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """Cut a sequence into as many at a time as every database takes in one statement."""
    return (many[start : start + _PIECE] for start in range(0, len(many), _PIECE))
