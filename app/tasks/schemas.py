"""What the task routes accept, and how a task looks in JSON."""

import re
import unicodedata
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from app.models import Priority
from app.services.task_lists import DEFAULT_LIMIT, MAX_LIMIT, Query, Sort, Status
from app.services.tasks import TaskRow
from app.web.payload import Answer, ManyLines, MergePatch, OneLine, Schema

PriorityName = Literal["none", "low", "medium", "high"]
_NAMES = tuple(level.name.lower() for level in Priority)


def _tag(name: str) -> str:
    name = name.lower()
    if not name or any(c.isspace() or c == "," for c in name):
        raise ValueError("A tag is one word, without commas.")
    return name


def _visible(title: str) -> str:
    if all(unicodedata.category(c) in ("Cf", "Zs", "Mn") for c in title):
        raise ValueError("Use a title that can be seen.")
    return title


def _whole_minutes(moment: time) -> time:
    if moment.second or moment.microsecond or moment.tzinfo:
        raise ValueError("Use hours and minutes only, like 14:30.")
    return moment


def _written_out(day: Any) -> Any:
    # Pydantic would also read a string of digits, as seconds since 1970.
    if not isinstance(day, date) and not (isinstance(day, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day)):
        raise ValueError("Use a date like 2026-11-03.")
    return day


def _calendar(day: date) -> date:
    if not 1900 <= day.year <= 9998:
        raise ValueError("Use a date between 1900 and 9998.")
    return day


def _clamped(limit: Any) -> Any:
    return str(min(int(limit), MAX_LIMIT)) if isinstance(limit, str) and limit.isdecimal() else limit


Title = Annotated[OneLine, Field(min_length=1, max_length=500), AfterValidator(_visible)]
Notes = Annotated[ManyLines, Field(max_length=20_000)]
Tag = Annotated[OneLine, Field(max_length=50), AfterValidator(_tag)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(lambda names: list(dict.fromkeys(names)))]
DueDate = Annotated[date, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_calendar)]
_HOURS_AND_MINUTES = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
# JSON Schema's own format of times has seconds and a time zone.
DueTime = Annotated[
    time, AfterValidator(_whole_minutes), WithJsonSchema({"type": "string", "pattern": _HOURS_AND_MINUTES})
]
ShownTime = Annotated[str, Field(pattern=_HOURS_AND_MINUTES)]


class NewTask(Schema):
    title: Title
    notes: Notes = ""
    priority: PriorityName = "none"
    due_date: DueDate | None = None
    due_time: DueTime | None = None
    tags: Tags = Field(default_factory=list)
    completed: bool = False


class TaskChanges(MergePatch):
    """JSON merge patch: what is left out stays; null clears the due date or time."""

    title: Title = ""
    notes: Notes = ""
    priority: PriorityName = "none"
    due_date: DueDate | None = None
    due_time: DueTime | None = None
    tags: Tags = Field(default_factory=list)
    completed: bool = False


class ListQuery(Schema):
    status: Status = "open"
    tag: Tag | None = None
    q: Annotated[OneLine, Field(max_length=200)] | None = None
    sort: Sort = "due"
    limit: Annotated[int, Field(ge=1), BeforeValidator(_clamped)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=2000)] | None = None

    def query(self) -> Query:
        """Return the part that says which tasks in which order."""
        return Query(self.status, self.tag, self.q, self.sort)


class Task(Answer):
    id: UUID
    title: str
    notes: str
    priority: PriorityName
    due_date: date | None
    due_time: ShownTime | None
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


def stored(body: NewTask | TaskChanges) -> dict[str, Any]:
    """Return the given fields as `app.services.tasks` takes them."""
    values = body.model_dump(exclude_unset=True)
    if "priority" in values:
        values["priority"] = Priority[values["priority"].upper()]
    return values


def task_json(row: TaskRow) -> dict[str, Any]:
    """Return a task as the API shows it; every field is always there."""
    due_time = row["due_time"]
    return {
        "id": row["id"],
        "title": row["title"],
        "notes": row["notes"],
        "priority": _NAMES[row["priority"]],
        "due_date": row["due_date"],
        "due_time": due_time and f"{due_time:%H:%M}",
        "tags": row["tags"],
        "completed": row["completed_at"] is not None,
        "completed_at": row["completed_at"],
        "deleted_at": row["deleted_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "rev": row["rev"],
    }
