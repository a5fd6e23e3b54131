"""Pages: the signed-in person's tasks."""

from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for

from app.services import task_cursors, task_lists, tasks
from app.services.errors import InvalidInput, PreconditionFailed, TaskNotFound
from app.services.task_writes import TaskRow
from app.tasks import due, schemas
from app.tasks.forms import PRIORITIES, NewTaskForm, TaskForm
from app.web.access import local_path, login_required, principal
from app.web.messages import say
from app.web.payload import fields

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

#: The lists one can step to, with the names on their tabs.
TABS = {"open": "Open", "today": "Today", "overdue": "Overdue", "completed": "Completed", "trash": "Trash"}
#: Longer titles are cut in messages, which travel in a cookie.
_MESSAGE_TITLE = 60


@bp.get("")
@login_required
def index() -> Any:
    """List tasks, a page at a time."""
    day = _now().date() if request.args.get("status") == "today" else None
    form = NewTaskForm(data={"tags": " ".join(request.args.getlist("tag")), "due_date": day})
    try:
        return _list(form)
    except InvalidInput as error:
        if "cursor" in error.errors:
            # A page that is gone, say from an old bookmark: the list still begins somewhere.
            return redirect(url_for(".index", **_filters()), 303)
        if "q" not in error.errors:
            raise
        return _list(form, refusal=error.errors["q"]), 422


@bp.post("")
@login_required
def create() -> Any:
    """Add a task; the query string names the list one is looking at."""
    form = NewTaskForm()
    try:
        task, _ = tasks.create(principal().user_id, schemas.stored(form.read(schemas.NewTask)))
    except InvalidInput as error:
        form.refuse(error)
        return _list(form), 422
    say(f"Added {_quoted(task)}.")
    return redirect(url_for(".index", **_filters()), 303)


@bp.get("/<uuid:task_id>")
@login_required
def show(task_id: UUID) -> Any:
    """Show a task, ready to be edited unless it is in the trash."""
    task = tasks.get(principal().user_id, task_id)
    return _task(task, TaskForm.showing(task))


@bp.post("/<uuid:task_id>")
@login_required
def update(task_id: UUID) -> Any:
    """Save an edited task, unless it is no longer the one that was shown: then both versions are."""
    who, form = principal(), TaskForm()
    try:
        changes = schemas.stored(form.read(schemas.TaskChanges))
        task = tasks.change(who.user_id, task_id, changes, form.condition())
    except InvalidInput as error:
        form.refuse(error)
        return _task(tasks.get(who.user_id, task_id), form), 422
    except PreconditionFailed as error:
        return _conflict(error.current, form), 409
    return _back(f"Saved {_quoted(task)}.")


@bp.post("/<uuid:task_id>/complete")
@login_required
def complete(task_id: UUID) -> Any:
    """Mark a task as done."""
    task = tasks.change(principal().user_id, task_id, {"completed": True})
    return _back(f"Completed {_quoted(task)}.", undo=url_for(".reopen", task_id=task_id))


@bp.post("/<uuid:task_id>/reopen")
@login_required
def reopen(task_id: UUID) -> Any:
    """Mark a task as not done after all."""
    task = tasks.change(principal().user_id, task_id, {"completed": False})
    return _back(f"Reopened {_quoted(task)}.", undo=url_for(".complete", task_id=task_id))


@bp.post("/<uuid:task_id>/delete")
@login_required
def delete(task_id: UUID) -> Any:
    """Move a task to the trash."""
    task = tasks.trash(principal().user_id, task_id)
    return _back(f"Moved {_quoted(task)} to the trash.", undo=url_for(".restore", task_id=task_id))


@bp.post("/<uuid:task_id>/restore")
@login_required
def restore(task_id: UUID) -> Any:
    """Bring a task back from the trash."""
    task = tasks.restore(principal().user_id, task_id)
    return _back(f"Restored {_quoted(task)}.", undo=url_for(".delete", task_id=task_id))


def _list(form: NewTaskForm, refusal: str = "") -> str:
    """Return the list in view; with the ``refusal`` of what was searched for, the list is empty and says so."""
    who, filters, now = principal(), _filters(), _now()
    searched = filters.get("q", "").strip()  # the position in a refusal is that in the text without blanks around it
    if refusal:
        filters.pop("q", None)
    asked = fields(schemas.ListQuery, {**filters, "cursor": request.args.get("cursor")})
    query = asked.query(task_cursors.seen_at(asked.cursor, who.timezone))
    page = task_lists.Page([], None) if refusal else task_lists.page(who.user_id, query, asked.limit, asked.cursor)
    rows = [task | {"due": due.describe(task, now)} for task in page.items]
    by_day = query.status == "open" and query.order == "due"
    return render_template(
        "tasks/index.html",
        form=form,
        filters=filters,
        query=query,
        cursor=asked.cursor,
        searched=searched,
        refusal=refusal,
        now=now,
        tabs=TABS,
        counts=task_lists.counts(who.user_id, now),
        sections=[(name, list(group)) for name, group in groupby(rows, _section if by_day else _none)],
        next_cursor=page.next_cursor,
        priorities=list(PRIORITIES.values()),
    )


def _task(task: TaskRow, form: TaskForm) -> str:
    return render_template("tasks/show.html", task=task, form=form, back=_return_path(), now=_now())


def _now() -> datetime:
    """Return the time on the person's clock."""
    return datetime.now(ZoneInfo(principal().timezone))


def _conflict(current: TaskRow | None, form: TaskForm) -> str:
    """Show the task as it is now beside what was typed, to be saved all the same or not at all."""
    if current is None:
        raise TaskNotFound
    saved = TaskForm.showing(current)
    differences = form.differences(saved)
    form.rev = saved.rev  # whoever saves now has seen this version
    return render_template("tasks/conflict.html", task=current, form=form, differences=differences, back=_return_path())


def _filters() -> dict[str, Any]:
    """Return the filters of the list in view, as the query string has them; a tab that does not exist is left out."""
    given: dict[str, Any] = {name: request.args[name] for name in ("status", "q") if request.args.get(name)}
    if given.get("status") not in TABS:
        given.pop("status", None)
    if tags := list(filter(None, request.args.getlist("tag"))):
        given["tag"] = tags
    return given


def _section(row: TaskRow) -> str:
    return row["due"].section if row["due"] else due.NO_DATE


def _none(_: TaskRow) -> str:
    return ""


def _back(text: str, undo: str | None = None) -> Any:
    say(text, undo)
    return redirect(_return_path(), 303)


def _return_path() -> str:
    """Return the list one came from."""
    return local_path(request.values.get("back")) or url_for(".index")


def _quoted(task: TaskRow) -> str:
    title = task["title"]
    return f"“{title if len(title) <= _MESSAGE_TITLE else title[: _MESSAGE_TITLE - 1].rstrip() + '…'}”"
