"""JSON: one person's tasks."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, request, url_for

from app.extensions import csrf
from app.services import task_lists, tasks
from app.tasks import schemas
from app.web.access import owner_required
from app.web.contract import documented
from app.web.payload import json_body, query_string

bp = Blueprint("tasks_api", __name__, url_prefix="/api/users/<uuid:user_id>/tasks")
csrf.exempt(bp)  # reads no cookie


@bp.get("")
@documented(query=schemas.ListQuery, response=schemas.Tasks, sends=["Link"])
@owner_required("tasks:read")
def index(user_id: UUID) -> Any:
    """List tasks, a page at a time."""
    query = query_string(schemas.ListQuery)
    page = task_lists.page(user_id, query.query(), query.limit, query.cursor)
    body = {"items": [schemas.task_json(row) for row in page.items], "next_cursor": page.next_cursor}
    if page.next_cursor is None:
        return body
    following = urlencode(request.args.to_dict() | {"cursor": page.next_cursor})
    return body, {"Link": f'<{request.path}?{following}>; rel="next"'}


@bp.post("")
@documented(request=schemas.NewTask, response=schemas.Task, status=201, sends=["Location", "ETag"])
@owner_required("tasks:write")
def create(user_id: UUID) -> Any:
    """Create a task."""
    task = tasks.create(user_id, schemas.stored(json_body(schemas.NewTask)))
    location = url_for(".show", user_id=user_id, task_id=task["id"])
    return schemas.task_json(task), 201, {"Location": location, "ETag": _etag(task)}


@bp.get("/<uuid:task_id>")
@documented(response=schemas.Task, sends=["ETag"])
@owner_required("tasks:read")
def show(user_id: UUID, task_id: UUID) -> Any:
    """Show a task, in the trash or not."""
    return _shown(tasks.get(user_id, task_id))


@bp.patch("/<uuid:task_id>")
@documented(request=schemas.TaskChanges, response=schemas.Task, sends=["ETag"])
@owner_required("tasks:write")
def update(user_id: UUID, task_id: UUID) -> Any:
    """Change a task (JSON merge patch); ``completed`` completes and reopens it."""
    return _shown(tasks.change(user_id, task_id, schemas.stored(json_body(schemas.TaskChanges))))


@bp.delete("/<uuid:task_id>")
@documented(status=204)
@owner_required("tasks:write")
def delete(user_id: UUID, task_id: UUID) -> Any:
    """Move a task to the trash."""
    tasks.trash(user_id, task_id)
    return "", 204


@bp.post("/<uuid:task_id>/restore")
@documented(response=schemas.Task, sends=["ETag"])
@owner_required("tasks:write")
def restore(user_id: UUID, task_id: UUID) -> Any:
    """Bring a task back from the trash."""
    return _shown(tasks.restore(user_id, task_id))


def _shown(task: tasks.TaskRow) -> Any:
    return schemas.task_json(task), {"ETag": _etag(task)}


def _etag(task: tasks.TaskRow) -> str:
    return f'"{task["rev"]}"'
