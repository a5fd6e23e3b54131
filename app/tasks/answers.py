"""What the task routes answer with; tests hold the answers against these."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.tasks.schemas import PriorityName, ShownTime
from app.web.payload import Answer
from app.web.problem import Problem


class Task(Answer):
    id: UUID
    title: str
    notes: str
    priority: PriorityName
    due_date: date | None
    due_time: ShownTime | None
    due_at: datetime | None
    tags: list[str]
    completed: bool
    completed_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    rev: int


class Tasks(Answer):
    """A page of tasks; the cursor of the next one, or null after the last."""

    items: list[Task]
    next_cursor: str | None
    total: int = 0


class Written(Answer):
    """The task of each operation, as it is after the last one."""

    items: list[Task]


class DeletedTask(Answer):
    """A task that was deleted for good."""

    id: UUID
    rev: int
    deleted: Literal[True]


class Changes(Answer):
    """What has changed, oldest first; ``next`` is the ``since`` to go on with, at once while ``has_more`` is true."""

    items: list[Task | DeletedTask]
    next: str
    has_more: bool


class Conflict(Problem):
    """RFC 9457, with the task as it is now; null if there is none."""

    current: Task | None


class Imported(Answer):
    """What an import did, or with ``dry_run`` would do."""

    dry_run: bool
    created: int
    updated: int
    unchanged: int


class Feed(Answer):
    """Whether there is a calendar feed, and since when."""

    active: bool
    created_at: datetime | None


class NewFeed(Answer):
    """The address of a calendar feed, which is shown only here."""

    url: str
    created_at: datetime
