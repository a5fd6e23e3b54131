"""JSON: one person's tasks."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Blueprint, request, url_for

from app.services import task_batch, task_changes, task_cursors, task_lists, tasks
from app.services.errors import InvalidInput, PreconditionFailed
from app.services.task_rows import TaskRow
from app.tasks import answers, formats, schemas
from app.tasks.conditions import NotModified, condition, etag, known, list_etag, repeatable
from app.web.access import owner_required, principal
from app.web.contract import documented
from app.web.errors import on_service_error
from app.web.payload import UNREADABLE, json_body, query_string

# A hundred tasks with long notes; other bodies have one.
_BATCH_BYTES = 8 * 1024 * 1024

bp = Blueprint("tasks_api", __name__, url_prefix="/api/users/<uuid:user_id>/tasks")


def _usual_page(user_id: UUID) -> Any:
    """Return what `index` asks if it has to make a list in JSON, and nothing is wrong with the request."""
    if "HTTP_IF_NONE_MATCH" in request.environ or formats.wanted() != "json":
        return None
    try:
        asked = query_string(schemas.ListQuery)
        # Only narrowed lists depend on the time of somebody's clock.
        query = asked.query(task_cursors.seen_at(asked.cursor, "UTC"))
        statement = task_lists.statement(user_id, query, asked.limit, asked.cursor)
        return None if task_lists.narrowed(statement) else statement
    except InvalidInput:
        return None


@bp.get("")
@documented(
    query=schemas.ListQuery,
    accepts=["If-None-Match"],
    response=answers.Tasks,
    media=tuple(formats.TYPES),
    sends=["ETag", "Link"],
    also={304: None},
)
@owner_required("tasks:read", prefetch=_usual_page)
def index(user_id: UUID) -> Any:
    """List tasks, a page at a time, 304 with ``If-None-Match`` if unchanged; or all in another format by Accept."""
    kind = formats.wanted()
    if kind != "json":
        return formats.listed(user_id, kind)
    asked, who = query_string(schemas.ListQuery), principal()
    query = asked.query(task_cursors.seen_at(asked.cursor, who.timezone))
    tag = list_etag(who.rev, query.fingerprint, asked.limit, asked.cursor, asked.count, who.timezone)
    headers = {"ETag": tag, "Vary": "Accept"}
    if known(tag):
        return NotModified(headers=headers)
    page = task_lists.page(user_id, query, asked.limit, asked.cursor)
    items = [schemas.task_json(row, who.timezone) for row in page.items]
    body: dict[str, Any] = {"items": items, "next_cursor": page.next_cursor}
    if asked.count:
        body["total"] = task_lists.total(user_id, query)
    if page.next_cursor is None:
        return body, headers
    following = f"{request.path}?{_beginning_elsewhere(request.query_string)}cursor={page.next_cursor}"
    return body, headers | {"Link": f'<{following}>; rel="next"'}


@bp.post("")
@documented(
    request=schemas.NewTask,
    accepts=["Idempotency-Key"],
    response=answers.Task,
    status=201,
    sends=["Location", "ETag", "Idempotency-Replayed"],
)
@owner_required("tasks:write")
def create(user_id: UUID) -> Any:
    """Create a task; under an ``Idempotency-Key`` once, however often the request is sent."""
    body, request_ = json_body(schemas.NewTask), repeatable()
    task, done_now = tasks.create(user_id, schemas.stored(body), request_)
    return _created(task, replayed=not done_now)


@bp.put("/<uuid:task_id>")
@documented(
    request=schemas.NewTask,
    accepts=["If-Match", "If-None-Match"],
    response=answers.Task,
    also={201: answers.Task, 412: answers.Conflict},
    sends=["ETag"],
)
@owner_required("tasks:write")
def put(user_id: UUID, task_id: UUID) -> Any:
    """Create a task under an id that the client has chosen, or replace it; ``If-None-Match: *`` only creates."""
    body = json_body(schemas.NewTask)
    task, is_new = tasks.put(user_id, task_id, schemas.stored(body), condition())
    return _created(task) if is_new else _shown(task)


@bp.get("/<uuid:task_id>")
@documented(accepts=["If-None-Match"], response=answers.Task, also={304: None}, sends=["ETag"])
@owner_required("tasks:read", prefetch=tasks.statement)
def show(user_id: UUID, task_id: UUID) -> Any:
    """Show a task, in the trash or not; 304 with ``If-None-Match`` if it is unchanged."""
    task = tasks.get(user_id, task_id)
    if known(etag(task)):
        return NotModified(headers={"ETag": etag(task)})
    return _shown(task)


@bp.patch("/<uuid:task_id>")
@documented(
    request=schemas.TaskChanges,
    accepts=["If-Match"],
    response=answers.Task,
    also={412: answers.Conflict},
    sends=["ETag"],
)
@owner_required("tasks:write")
def update(user_id: UUID, task_id: UUID) -> Any:
    """Change a task (JSON merge patch); ``completed`` completes and reopens it."""
    body = json_body(schemas.TaskChanges)
    return _shown(tasks.change(user_id, task_id, schemas.stored(body), condition()))


@bp.delete("/<uuid:task_id>")
@documented(query=schemas.Deletion, accepts=["If-Match"], status=204, also={412: answers.Conflict}, errors=[400, 409])
@owner_required("tasks:write")
def delete(user_id: UUID, task_id: UUID) -> Any:
    """Move a task to the trash; with ``permanent=true`` delete it from there for good."""
    permanent = query_string(schemas.Deletion).permanent
    (tasks.delete if permanent else tasks.trash)(user_id, task_id, condition())
    return "", 204


@bp.post("/<uuid:task_id>/restore")
@documented(accepts=["If-Match"], response=answers.Task, also={412: answers.Conflict}, sends=["ETag"], errors=[400])
@owner_required("tasks:write")
def restore(user_id: UUID, task_id: UUID) -> Any:
    """Bring a task back from the trash."""
    return _shown(tasks.restore(user_id, task_id, condition()))


@bp.post("/batch")
@documented(
    request=schemas.Batch,
    accepts=["Idempotency-Key"],
    response=answers.Written,
    also={412: answers.Conflict},
    sends=["Idempotency-Replayed"],
)
@owner_required("tasks:write")
def batch(user_id: UUID) -> Any:
    """Carry out up to 100 operations in their order, all or none."""
    request.max_content_length = _BATCH_BYTES
    try:
        body, request_ = json_body(schemas.Batch), repeatable()
    except InvalidInput as error:
        raise _of_operation(error) from error
    rows, done_now = task_batch.run(user_id, body.stored(), request_)
    return {"items": [_json(row) for row in rows]}, 200, _replayed(replayed=not done_now)


@bp.get("/changes")
@documented(query=schemas.ChangesQuery, response=answers.Changes, errors=[410])
@owner_required("tasks:read")
def changes(user_id: UUID) -> Any:
    """Show what has changed since an earlier answer, deletions included; without ``since`` everything there is."""
    query = query_string(schemas.ChangesQuery)
    found = task_changes.since(user_id, query.since, principal().rev, query.limit)
    items = [_json(row) if "title" in row else row | {"deleted": True} for row in found.items]
    return {"items": items, "next": found.next, "has_more": found.has_more}


@bp.errorhandler(PreconditionFailed)
def changed_meanwhile(error: PreconditionFailed) -> Any:
    """Refuse a write that was meant for another version, and show the present one."""
    error.members["current"] = error.current and _json(error.current)
    return on_service_error(error)


@lru_cache(maxsize=512)
def _beginning_elsewhere(as_sent: bytes) -> str:
    """Return the query string without its cursor, so that another one can follow."""
    kept = [
        (name, value)
        for name, value in parse_qsl(as_sent.decode(), keep_blank_values=True, errors=UNREADABLE)
        if name != "cursor"
    ]
    return urlencode(kept) + "&" if kept else ""


def _json(task: TaskRow) -> dict[str, Any]:
    return schemas.task_json(task, principal().timezone)


def _shown(task: TaskRow) -> Any:
    return _json(task), {"ETag": etag(task)}


def _created(task: TaskRow, *, replayed: bool = False) -> Any:
    location = url_for(".show", user_id=principal().user_id, task_id=task["id"])
    return _json(task), 201, {"Location": location, "ETag": etag(task)} | _replayed(replayed=replayed)


def _replayed(*, replayed: bool) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if replayed else {}


# Pydantic names the kind of operation as if it were part of the place.
_PLACE = re.compile(r"operations/([0-9]+)(?:/(?:create|put|update|delete|restore)(?=/|$))?")


def _of_operation(error: InvalidInput) -> InvalidInput:
    """Return the refusal of a batch with places as the client wrote it, and the first operation's number, if any."""
    named = InvalidInput(**{_PLACE.sub(r"operations/\1", place): text for place, text in error.errors.items()})
    if numbers := [int(match[1]) for match in map(_PLACE.match, error.errors) if match]:
        named.members["operation"] = min(numbers)
    return named
