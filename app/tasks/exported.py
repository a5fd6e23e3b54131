"""The export: one JSON document with all that a person has, from which an import makes equal tasks."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import Response

from app.models import utcnow
from app.services import audit, export
from app.services.liveness import Principal
from app.services.task_rows import TaskRow
from app.tasks import schemas
from app.web.streaming import streamed

FORMAT = "taskward"
#: Raise it when the meaning of a field changes, and keep reading the versions before: `imported.READERS`.
FORMAT_VERSION = 1

#: What follows from other fields, or counts writes to the account it is in.
_LEFT_OUT = ("completed", "due_at", "rev")


def exported(row: TaskRow) -> dict[str, Any]:
    """Return a task with everything that makes it what it is; times are exact."""
    shown = schemas.task_json(row, "UTC")
    return {name: _exact(value) for name, value in shown.items() if name not in _LEFT_OUT}


def file(who: Principal) -> Response:
    """Return everything the person has, as a file to keep; the event log says so."""
    audit.record(audit.Event.SENSITIVE_READ, who.user_id, who.sign_in_id)
    today = utcnow().astimezone(ZoneInfo(who.timezone)).date()
    name = f'attachment; filename="taskward-{today}.json"'
    return streamed(_document(who), "application/json", Content_Disposition=name)


def _document(who: Principal) -> Iterator[bytes]:
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "exported_at": _exact(utcnow()),
        "user": {"email": who.email, "name": who.name, "timezone": who.timezone, "theme": who.theme},
    }
    before = orjson.dumps(head)[:-1] + b',"tasks":[\n'
    for rows in export.everything(who.user_id):
        yield before + b",\n".join(orjson.dumps(exported(row)) for row in rows)
        before = b",\n"
    yield (b"" if before == b",\n" else before) + b"\n]}\n"


def _exact(value: Any) -> Any:
    # Unlike the API's answers, which show whole seconds.
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
