"""One person's tasks as rows: the columns everybody reads, and a row of them by name."""

from collections.abc import Sequence
from typing import Any

from app.models import Task

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
_KEYS = tuple(column.key for column in COLUMNS)

#: A row of `COLUMNS`, by name.
TaskRow = dict[str, Any]


def row_of(values: Sequence[Any]) -> TaskRow:
    """Return the values of `COLUMNS`, which others may follow, by name."""
    return dict(zip(_KEYS, values, strict=False))
