"""Everything a person has, or a whole list, piece by piece: what is read at any time fits into memory."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import Task
from app.services import task_lists
from app.services.task_query import Query
from app.services.task_rows import COLUMNS, TaskRow

_PIECE = 500


def everything(user_id: UUID) -> Iterator[list[TaskRow]]:
    """Yield all tasks of the person, completed ones and the trash included, some hundred at a time, by id.

    No lock is held in between: a task that is there all the while occurs once, as it was at one instant.
    """
    statement = select(*COLUMNS).where(Task.user_id == user_id).order_by(Task.id).limit(_PIECE)
    following = statement
    while True:
        with db.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(following)]
        if rows:
            yield rows
        if len(rows) < _PIECE:
            return
        following = statement.where(Task.id > rows[-1]["id"])


def pages(
    user_id: UUID, query: Query, limit: int | None = None, cursor: str | None = None
) -> Iterator[task_lists.Page]:
    """Yield the pages of a list from the cursor to its end, or the one page of ``limit`` tasks.

    Raises:
        InvalidInput: as `task_lists.page`.
    """
    while True:
        page = task_lists.page(user_id, query, limit or task_lists.MAX_LIMIT, cursor)
        yield page
        cursor = page.next_cursor
        if limit is not None or cursor is None:
            return
