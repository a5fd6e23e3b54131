"""Many tasks of one person at once."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert

from app.extensions import db
from app.models import Priority, Task, TaskTag, time_ordered_id, utcnow
from app.services import tasks


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
    rows = [_row(user_id, fields, now) for fields in many]
    tags = [{"task_id": row["id"], "name": name, "user_id": user_id} for row in rows for name in row["tags"]]
    rev = tasks._next_rev(user_id)
    for row in rows:
        row["rev"] = rev
    # Tables, not classes: the ORM would look at each row again.
    for table, values in ((Task.__table__, rows), (TaskTag.__table__, tags)):
        if values:
            db.session.execute(insert(cast(Table, table)), values)
    db.session.commit()
    return len(rows)


def _row(user_id: UUID, fields: dict[str, Any], now: Any) -> dict[str, Any]:
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
    } | tasks._stored(fields, now)
    return row | {"due_sort": tasks._due_sort(row["due_date"], row["due_time"])}
