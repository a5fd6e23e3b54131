"""JSON: one person's tasks."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, request, url_for

from app.extensions import csrf
from app.services import task_lists, tasks
from app.tasks import formats, schemas
from app.web.access import owner_required
from app.web.payload import json_body, query_string

bp = Blueprint("tasks_api", __name__, url_prefix="/api/users/<uuid:user_id>/tasks")
csrf.exempt(bp)  # reads no cookie


@bp.get("")
@owner_required("tasks:read")
def index(user_id: UUID) -> Any:
    """List tasks, a page at a time; all at once in the other formats that Accept may ask for."""
    kind = formats.wanted()
    if kind != "json":
        return formats.listed(user_id, kind)
    query = query_string(schemas.ListQuery)
    page = task_lists.page(user_id, query.query(), query.limit, query.cursor)
    body = {"items": [schemas.task_json(row) for row in page.items], "next_cursor": page.next_cursor}
    headers = {"Vary": "Accept"}
    if page.next_cursor is not None:
        following = urlencode(request.args.to_dict() | {"cursor": page.next_cursor})
        headers["Link"] = f'<{request.path}?{following}>; rel="next"'
    return body, headers


@bp.post("")
@owner_required("tasks:write")
def create(user_id: UUID) -> Any:
    """Create a task."""
    task = tasks.create(user_id, schemas.stored(json_body(schemas.NewTask)))
    location = url_for(".show", user_id=user_id, task_id=task["id"])
    return schemas.task_json(task), 201, {"Location": location, "ETag": _etag(task)}


@bp.get("/<uuid:task_id>")
@owner_required("tasks:read")
def show(user_id: UUID, task_id: UUID) -> Any:
    """Show a task, in the trash or not."""
    return _shown(tasks.get(user_id, task_id))


@bp.patch("/<uuid:task_id>")
@owner_required("tasks:write")
def update(user_id: UUID, task_id: UUID) -> Any:
    """Change a task (JSON merge patch); ``completed`` completes and reopens it."""
    return _shown(tasks.change(user_id, task_id, schemas.stored(json_body(schemas.TaskChanges))))


@bp.delete("/<uuid:task_id>")
@owner_required("tasks:write")
def delete(user_id: UUID, task_id: UUID) -> Any:
    """Move a task to the trash."""
    tasks.trash(user_id, task_id)
    return "", 204


@bp.post("/<uuid:task_id>/restore")
@owner_required("tasks:write")
def restore(user_id: UUID, task_id: UUID) -> Any:
    """Bring a task back from the trash."""
    return _shown(tasks.restore(user_id, task_id))


def _shown(task: tasks.TaskRow) -> Any:
    return schemas.task_json(task), {"ETag": _etag(task)}


def _etag(task: tasks.TaskRow) -> str:
    return f'"{task["rev"]}"'
