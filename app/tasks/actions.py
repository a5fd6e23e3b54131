"""Pages: what is done to tasks from a list, to one or to all that are ticked, and taken back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from app.services import task_batch, task_lists, task_undo, tasks
from app.services.errors import InvalidInput, TaskNotFound, TaskNotInTrash
from app.services.task_batch import Operation
from app.tasks import schemas
from app.tasks.forms import NewTaskForm
from app.tasks.pages import list_page, list_path, quoted, return_path, undo_of
from app.web.access import login_required, principal
from app.web.messages import flash
from app.web.payload import fields

bp = Blueprint("actions", __name__, url_prefix="/tasks")

#: Name → the operation, its fields, and what is said afterwards.
_ACTIONS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "complete": ("update", {"completed": True}, "Completed {}."),
    "reopen": ("update", {"completed": False}, "Reopened {}."),
    "delete": ("delete", {}, "Moved {} to the trash."),
    "restore": ("restore", {}, "Restored {}."),
    "remove": ("remove", {}, "Deleted {} for good."),
}


@bp.post("/<uuid:task_id>/<any(complete, reopen, delete, restore):action>")
@login_required
def one(task_id: UUID, action: str) -> Any:
    """Complete a task, reopen it, move it to the trash or bring it back."""
    try:
        _carry_out(action, [task_id])
    except TaskNotFound:
        tasks.get(principal().user_id, task_id)  # raises it again for one that is gone for good, or somebody else's
        flash("Nothing was done: that task is not where it was. This is how it is now.")
    return redirect(return_path(), 303)


@bp.post("/bulk")
@login_required
def bulk() -> Any:
    """Do one thing to every ticked task, all or none; the query string names the list. For good only when confirmed."""
    given = {"action": request.form.get("action"), "confirmed": request.form.get("confirmed", "0")}
    chosen = fields(schemas.Selection, given | {"task": request.form.getlist("task")})
    ids = list(dict.fromkeys(chosen.task))
    if not ids:
        return _refused(
            "Nothing is selected. Tick the box beside each task that is meant, then press the button again."
        )
    if chosen.action == "remove" and not chosen.confirmed:
        only = tasks.get(principal().user_id, ids[0]) if len(ids) == 1 else None
        return render_template("tasks/remove.html", ids=ids, number=len(ids), only=only, back=list_path())
    try:
        _carry_out(chosen.action, ids)
    except (InvalidInput, TaskNotFound, TaskNotInTrash):
        return _refused("Nothing was done: one of the tasks is not where it was. This is the list as it is now.", 409)
    return redirect(list_path(), 303)


@bp.post("/empty-trash")
@login_required
def empty_trash() -> Any:
    """Delete for good all that is in the trash, when confirmed."""
    who, trash = principal(), url_for("tasks.index", status="trash")
    if "confirmed" not in request.form:
        number = task_lists.counts(who.user_id, datetime.now(UTC))["trash"]
        return render_template("tasks/remove.html", ids=[], number=number, back=trash)
    number = tasks.empty_trash(who.user_id)
    flash(f"Deleted {number} task{'s' * (number != 1)} for good.")
    return redirect(trash, 303)


@bp.post("/undo/<int(max=9223372036854775807):rev>")
@login_required
def undo(rev: int) -> Any:
    """Take back the write of a revision, on the tasks that were not changed since."""
    rows = task_undo.undo(principal().user_id, rev)
    if rows:
        verb = "is" if len(rows) == 1 else "are"
        if "again" in request.args:
            flash(f"Redone: {_named(rows)} {verb} as before.", undo_of(rows[0]), "Undo")
        else:
            flash(f"Undone: {_named(rows)} {verb} as before.", undo_of(rows[0], again="yes"), "Redo")
    else:
        flash("There is nothing left to undo: it was changed again since.")
    return redirect(return_path(), 303)


def _carry_out(action: str, ids: Sequence[UUID]) -> None:
    operation, values, text = _ACTIONS[action]
    rows, _ = task_batch.run(principal().user_id, [Operation(operation, each, values) for each in ids])
    # What was so before, say completed on another device, is not this action's to take back.
    changed = [row for row in rows if undo_of(row)]
    flash(text.format(_named(changed or rows or ids)), undo_of(changed[0]) if changed else None)


def _refused(text: str, status: int = 422) -> tuple[str, int]:
    """Show the list again, still ticked, with what is wrong."""
    form = NewTaskForm(formdata=None)
    form.form_errors.append(text)
    return list_page(form), status


def _named(many: Sequence[Any]) -> str:
    if len(many) > 1:
        return f"{len(many)} tasks"
    return quoted(many[0]) if isinstance(many[0], dict) else "1 task"
