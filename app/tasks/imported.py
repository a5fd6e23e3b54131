"""Files to import: read, and checked as strictly as what the API is sent."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest

from app.services.errors import InvalidInput
from app.tasks import plain_text, schemas
from app.tasks.exported import FORMAT
from app.web.payload import Schema, places

#: Writing this many takes seconds, in which nobody else writes to SQLite. A larger export can be cut: any part of its
#: ``tasks`` is a file of its own.
MAX_BYTES = 8 * 1024 * 1024
MAX_TASKS = 10_000
MAX_ERRORS = 100
# A task has a dozen; each one beyond would be an error, and a file could have a million.
_MAX_FIELDS = 50

#: The kinds of files by the name they have in a Content-Type.
KINDS = {"application/json": "json", "text/csv": "csv", "text/plain": "txt"}

#: What a file says about tasks, each with its place in the file.
Records = Iterable[tuple[str, Any]]


_UNSET_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class TaskOfVersion1(Schema):
    """A task in an export; what is left out stays as it is, or is as in a new task."""

    id: UUID
    title: schemas.Title
    notes: schemas.Notes = ""
    priority: schemas.PriorityName = "none"
    due_date: schemas.DueDate | None = None
    due_time: schemas.DueTime | None = None
    tags: schemas.Tags = Field(default_factory=list)
    completed_at: schemas.Instant | None = None
    deleted_at: schemas.Instant | None = None
    created_at: schemas.Instant = _UNSET_TIME
    updated_at: schemas.Instant = _UNSET_TIME


class ExportOfVersion1(Schema):
    """An export, for the contract; of what is imported only the format, its version and the tasks are looked at."""

    model_config = ConfigDict(extra="ignore")

    format: Literal["taskward"]
    format_version: Literal[1]
    exported_at: Any = None
    user: Any = None
    tasks: list[TaskOfVersion1]


class TaskInLines(TaskOfVersion1):
    """A task in CSV or todo.txt; without an id it is a new one."""

    id: UUID = UUID(int=0)
    completed: bool = False


def read(kind: str, data: bytes) -> list[dict[str, Any]]:
    """Return the tasks in a file as `app.services.imports` takes them.

    Args:
        kind: json for an export, csv, or txt for todo.txt.
        data: what is in the file.

    Raises:
        BadRequest: it is not JSON, or no text.
        InvalidInput: it is none of ours, or there are mistakes in it: the first `MAX_ERRORS`, by place.
    """
    if kind == "json":
        return _checked(*_version(data))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The file is not text in UTF-8.") from error
    records = plain_text.from_csv if kind == "csv" else plain_text.from_todo_txt
    return _checked(records(text), TaskInLines)


def _version_1(document: dict[str, Any]) -> tuple[Records, type[Schema]]:
    many = document.get("tasks")
    if not isinstance(many, list):
        raise InvalidInput(tasks="The list of tasks is missing.")
    return ((f"tasks/{place}", each) for place, each in enumerate(many)), TaskOfVersion1


#: Every version there ever was, for good; one that is older than the newest turns into what `_checked` takes.
READERS: dict[int, Callable[[dict[str, Any]], tuple[Records, type[Schema]]]] = {1: _version_1}


def _version(data: bytes) -> tuple[Records, type[Schema]]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The file is not valid JSON.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidInput(format="This is no export of Taskward.")
    version = document.get("format_version")
    if type(version) is not int or version < 1:
        raise InvalidInput(format_version="Each export says here, as a number, how it is to be read.")
    if version not in READERS:
        newest = max(READERS)
        raise InvalidInput(
            format_version=f"A newer Taskward made this export; this one reads up to version {newest}. Update it."
        )
    return READERS[version](document)


def _checked(records: Records, schema: type[Schema]) -> list[dict[str, Any]]:
    checked: list[dict[str, Any]] = []
    errors: dict[str, str] = {}
    seen: set[UUID] = set()
    for number, (place, record) in enumerate(records):
        if number >= MAX_TASKS:
            raise InvalidInput(tasks=f"Import at most {MAX_TASKS} tasks at once.")
        wrong, fields = _one(record, schema)
        if fields.get("id") in seen:
            wrong["id"] = "Another task in this file has the same id."
        elif "id" in fields:
            seen.add(fields["id"])
        errors |= {f"{place}/{field}".rstrip("/"): text for field, text in wrong.items()}
        if len(errors) >= MAX_ERRORS:
            break
        checked.append(fields)
    if errors:
        raise InvalidInput(**dict(list(errors.items())[:MAX_ERRORS]))
    return checked


def _one(record: Any, schema: type[Schema]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what is wrong with a record, and the fields it has."""
    if isinstance(record, dict) and len(record) > _MAX_FIELDS:
        return {"": f"A task has fewer than {_MAX_FIELDS} fields."}, {}
    try:
        # From text again, since strict types mean something else outside JSON: a date, for one, is never a string.
        fields = schemas.stored(schema.model_validate_json(orjson.dumps(record)))
    except ValidationError as error:
        return places(error), {}
    except orjson.JSONEncodeError:
        return {"": "This is nested too deeply to be a task."}, {}
    if fields.get("due_date") is None:
        if fields.get("due_time") is not None:
            return {"due_time": "A due time needs a due date."}, {}
        if "due_date" in fields:
            fields["due_time"] = None  # a task that is there may have a time, which goes with its date
    return {}, fields


def lines(errors: InvalidInput) -> Iterator[str]:
    """Yield each mistake with its place, for people."""
    for place, text in errors.errors.items():
        where, number, *rest = [*place.split("/"), "", ""]
        if where == "tasks" and number:
            number = str(int(number) + 1)
        name = {"tasks": "Task", "line": "Line"}.get(where)
        field = f", {rest[0].replace('_', ' ')}" if rest[0] else ""
        yield f"{name} {number}{field}: {text}" if name and number else text
