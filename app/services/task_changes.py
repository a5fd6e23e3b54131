"""What has changed since a device last asked, deletions included; and how long those are remembered.

The token is the person's counter of writes. Their order is the order of their commits (`task_writes.next_rev`), so
that nothing is missed. One that was given in the middle, where there is more to come, also names the last task, since
what one batch wrote shares a revision; and the counter up to which the device knew of every deletion before it asked.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy import delete as delete_

from app.extensions import db
from app.models import DeletedTask, Task, User
from app.services.errors import InvalidInput, SyncTokenExpired
from app.services.task_rows import COLUMNS, TaskRow

#: For how long a device may stay away and still be told what was deleted.
DELETIONS_KEPT = timedelta(days=90)

_TOKEN = re.compile(r"([0-9]{1,18})(?:\.([0-9a-f]{32})\.([0-9]{1,18}))?")
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Changes:
    """Tasks as they are now and ids of deleted ones, oldest change first, and where to go on."""

    #: A row of `COLUMNS`, or of only ``id`` and ``rev`` for a task deleted for good.
    items: list[TaskRow]
    next: str
    has_more: bool


def since(user_id: UUID, token: str | None, rev: int, limit: int) -> Changes:
    """Return what was written after ``token``, which an earlier answer gave; without one, every task there is.

    ``rev`` is the person's counter as the caller last read it; what is written later belongs to the next answer.

    Raises:
        InvalidInput: under ``since``; the token is none of ours.
        SyncTokenExpired: deletions since then have been forgotten, or the token is ahead of the counter.
    """
    after, last_id, known = _read(token)
    known = known or rev  # what was deleted before is of no interest to a device that has nothing
    if max(after, known) > rev:
        raise SyncTokenExpired
    with db.read() as connection:
        rows: list[dict[str, Any]] = []
        for table, columns in ((Task, COLUMNS), (DeletedTask, (DeletedTask.id, DeletedTask.rev))):
            mine = select(*columns).where(table.user_id == user_id, table.rev <= rev)
            later = mine.where(tuple_(table.rev, table.id) > tuple_(after, last_id))
            # Led by user_id, so that only the index of this person's rows offers the order.
            page = later.order_by(table.user_id, table.rev, table.id).limit(limit + 1)
            rows += [dict(row._mapping) for row in connection.execute(page)]
        # Last: what has been forgotten by now may be missing above.
        floor = connection.scalar(select(User.sync_floor).where(User.id == user_id)) or 0
    if known < floor:
        raise SyncTokenExpired
    rows.sort(key=lambda row: (row["rev"], row["id"]))
    items = rows[:limit]
    if len(rows) <= limit:
        return Changes(items, str(rev), has_more=False)
    return Changes(items, f"{items[-1]['rev']}.{items[-1]['id'].hex}.{known}", has_more=True)


def forget(user_id: UUID, task_ids: list[UUID], which: ColumnElement[bool]) -> int:
    """Forget, in the caller's transaction, that these tasks were deleted, if ``which`` holds; return how many.

    A device that was last told of an earlier change has to start again.
    """
    mine = (DeletedTask.user_id == user_id, DeletedTask.id.in_(task_ids), which)
    floor = select(func.max(DeletedTask.rev)).where(*mine).scalar_subquery()
    db.session.execute(update(User).where(User.id == user_id, User.sync_floor < floor).values(sync_floor=floor))
    return len(db.session.execute(delete_(DeletedTask).where(*mine).returning(DeletedTask.id)).all())


def _read(token: str | None) -> tuple[int, UUID, int]:
    """Return the revision and the task behind which to go on, and up to where all deletions are known."""
    if token is None:
        return 0, _FIRST_ID, 0
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise InvalidInput(since="Use what the last answer gave as next; to start, leave since out.")
    after, last_id, known = match.groups()
    return int(after), UUID(last_id) if last_id else _LAST_ID, int(known or after)
