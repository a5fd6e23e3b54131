"""What the task routes accept, and how a task looks in JSON."""

import re
import unicodedata
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.models import Priority
from app.services import task_batch, task_query
from app.services.task_batch import Operation
from app.services.task_lists import DEFAULT_LIMIT, MAX_LIMIT
from app.services.task_query import MAX_TAGS, YEARS, Query, Sort, Status
from app.services.task_rows import TaskRow
from app.web.payload import ManyLines, MergePatch, OneLine, Schema

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
    if day.year not in YEARS:
        raise ValueError("Use a date between 1900 and 9998.")
    return day


_INSTANT = re.compile(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-5][0-9])")


def _instant(text: Any) -> Any:
    # Nor is an instant without an offset any.
    try:
        if not isinstance(text, str) or not _INSTANT.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text).astimezone(UTC)
        if moment.year not in YEARS:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise ValueError("Use an instant like 2026-11-03T10:15:00Z; in a URL, write %2B for +.") from error
    return moment


def _clamped(limit: Any) -> Any:
    return str(min(int(limit), MAX_LIMIT)) if isinstance(limit, str) and limit.isdecimal() else limit


Title = Annotated[OneLine, Field(min_length=1, max_length=500), AfterValidator(_visible)]
Notes = Annotated[ManyLines, Field(max_length=20_000)]
Tag = Annotated[OneLine, AfterValidator(_tag), Field(max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(lambda names: list(dict.fromkeys(names)))]
DueDate = Annotated[date, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_calendar)]
_HOURS_AND_MINUTES = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
# JSON Schema's own format of times has seconds and a time zone.
DueTime = Annotated[
    time, AfterValidator(_whole_minutes), WithJsonSchema({"type": "string", "pattern": _HOURS_AND_MINUTES})
]
ShownTime = Annotated[str, Field(pattern=_HOURS_AND_MINUTES)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Uuid = Annotated[UUID, Field(strict=False)]
Limit = Annotated[int, Field(ge=1), BeforeValidator(_clamped)]


class TaskChanges(MergePatch):
    """JSON merge patch: what is left out stays; null clears the due date or time."""

    title: Title = ""
    notes: Notes = ""
    priority: PriorityName = "none"
    due_date: DueDate | None = None
    due_time: DueTime | None = None
    tags: Tags = Field(default_factory=list)
    completed: bool = False


class NewTask(TaskChanges):
    """A whole task: what is left out is empty."""

    model_config = ConfigDict(json_schema_extra={})

    title: Title


class _OfTask(Schema):
    id: Uuid
    #: Carry it out only if the task has this revision, as with If-Match.
    rev: int | None = None


class Create(Schema):
    op: Literal["create"]
    task: NewTask


class Put(_OfTask):
    op: Literal["put"]
    task: NewTask


class Update(_OfTask):
    op: Literal["update"]
    changes: TaskChanges


class Delete(_OfTask):
    op: Literal["delete"]


class Restore(_OfTask):
    op: Literal["restore"]


class Batch(Schema):
    operations: Annotated[
        list[Annotated[Create | Put | Update | Delete | Restore, Field(discriminator="op")]],
        Field(min_length=1, max_length=task_batch.MOST),
    ]

    def stored(self) -> list[Operation]:
        """Return the operations as `app.services.task_batch` takes them."""
        return [_operation(each) for each in self.operations]


class Selection(Schema):
    """What the form around a list sends: the ticked tasks and the button that was pressed."""

    action: Literal["complete", "reopen", "delete", "restore", "remove"]
    task: Annotated[list[Uuid], Field(max_length=task_batch.MOST)]
    confirmed: bool = False


class ChangesQuery(Schema):
    since: Annotated[str, Field(max_length=80)] | None = None
    limit: Limit = MAX_LIMIT


class Deletion(Schema):
    permanent: bool = False


class ListQuery(Schema):
    """What a list may be asked for; a task has to fit everything that is given.

    ``due_before`` and ``due_after`` are without the day itself and without tasks that have no due date.
    """

    status: Status = "open"
    tag: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = Field(default_factory=list)
    priority: PriorityName | None = None
    due_before: DueDate | None = None
    due_after: DueDate | None = None
    updated_since: Instant | None = None
    #: Databases compare letter by letter: the length bounds what a search through long notes costs.
    q: Annotated[OneLine, Field(max_length=100)] = ""
    sort: Sort | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=2000)] | None = None
    count: bool = False

    def query(self, now: datetime) -> Query:
        """Return the part that says which tasks in which order, as seen at ``now`` on the owner's clock.

        Raises:
            InvalidInput: under ``q``; the text is not understood.
        """
        return task_query.read(self.q, self._without_search, now)

    @cached_property
    def _without_search(self) -> Query:
        query = Query(status=self.status, sort=self.sort, tags=tuple(self.tag), updated_since=self.updated_since)
        if self.priority is not None:
            query = query.priority("=", Priority[self.priority.upper()])
        if self.due_before is not None:
            query = query.due("<", self.due_before)
        if self.due_after is not None:
            query = query.due(">", self.due_after)
        return query


def _operation(each: Create | Put | Update | Delete | Restore) -> Operation:
    if isinstance(each, Create):
        return Operation("create", fields=stored(each.task))
    fields = {"put": "task", "update": "changes"}.get(each.op)
    return Operation(each.op, each.id, stored(getattr(each, fields)) if fields else {}, each.rev)


def stored(body: Schema) -> dict[str, Any]:
    """Return the given fields as `app.services.tasks` takes them."""
    values = body.model_dump(exclude_unset=True)
    if "priority" in values:
        values["priority"] = Priority[values["priority"].upper()]
    return values


def task_json(row: TaskRow, zone: str) -> dict[str, Any]:
    """Return a task as the API shows it to somebody in an IANA zone; every field is always there.

    ``due_at`` is the instant of the due time. An hour that the clocks skip is taken as if they had not been changed
    yet, one that comes twice is its first.
    """
    due_time = row["due_time"]
    due_at = datetime.combine(row["due_date"], due_time, ZoneInfo(zone)).astimezone(UTC) if due_time else None
    return {
        "id": row["id"],
        "title": row["title"],
        "notes": row["notes"],
        "priority": _NAMES[row["priority"]],
        "due_date": row["due_date"],
        "due_time": due_time and f"{due_time:%H:%M}",
        "due_at": due_at,
        "tags": row["tags"],
        "completed": row["completed_at"] is not None,
        "completed_at": row["completed_at"],
        "deleted_at": row["deleted_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "rev": row["rev"],
    }
