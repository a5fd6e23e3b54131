"""Pages: the signed-in person's tasks."""

from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for

from app.services import task_cursors, task_line, task_lists, task_progress, tasks
from app.services.errors import InvalidInput, PreconditionFailed, TaskNotFound
from app.services.task_query import Query
from app.services.task_rows import TaskRow
from app.tasks import due, schemas
from app.tasks.conditions import repeatable_form
from app.tasks.forms import PRIORITIES, NewTaskForm, TaskForm
from app.web.access import login_required, principal
from app.web.messages import flash
from app.web.origin import local_path
from app.web.payload import fields

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

#: The lists one can step to, with the names on their tabs.
TABS = {"open": "Open", "today": "Today", "overdue": "Overdue", "completed": "Completed", "trash": "Trash"}
# Longer texts are cut in messages, which travel in a cookie.
_MESSAGE_TEXT = 60


@bp.get("")
@login_required
def index() -> Any:
    """List tasks, a page at a time."""
    day = _now().date() if request.args.get("status") == "today" else None
    form = NewTaskForm(data={"tags": " ".join(request.args.getlist("tag")), "due_date": day})
    try:
        return list_page(form)
    except InvalidInput as error:
        if "cursor" in error.errors:
            # A page that is gone, say from an old bookmark: the list still begins somewhere.
            return redirect(url_for(".index", **_filters()), 303)
        if "q" not in error.errors:
            raise
        return list_page(form, refusal=error.errors["q"]), 422


@bp.post("")
@login_required
def create() -> Any:
    """Add a task; the query string names the list one is looking at, ``back`` any other page."""
    form, now = NewTaskForm(), _now()
    try:
        given = form.read(schemas.NewTask).model_dump(exclude_unset=True)
        sent = repeatable_form(given)
        if str(given.get("due_date")) == request.form.get("today"):
            given["due_date"] = now.date()  # the page may be of yesterday
        words = task_line.read(given["title"], now)
        tags = [*given.get("tags", []), *words.get("tags", [])]
        values = schemas.stored(fields(schemas.NewTask, given | words | {"tags": tags}))
        task, _ = tasks.create(principal().user_id, values, sent)
    except InvalidInput as error:
        form.refuse(error)
        return list_page(form), 422
    flash(f"Added {quoted(task)}{_understood(task, words, now)}.", undo_of(task))
    return redirect(local_path(request.form.get("back")) or list_path(), 303)


@bp.app_template_global()
def form_key() -> str:
    """Return what tells a form for a new task from all others that are shown."""
    return uuid4().hex


@bp.get("/<uuid:task_id>")
@login_required
def show(task_id: UUID) -> Any:
    """Show a task, ready to be edited unless it is in the trash."""
    task = tasks.get(principal().user_id, task_id)
    return _task(task, TaskForm.showing(task))


@bp.post("/<uuid:task_id>")
@login_required
def update(task_id: UUID) -> Any:
    """Save an edited task, unless it is no longer the one that was shown: then both versions are.

    One that is in the trash by now is restored with it if the form says so.
    """
    who, form = principal(), TaskForm()
    try:
        changes, seen = schemas.stored(form.read(schemas.TaskChanges)), form.condition()
        save = tasks.restore_changed if "restore" in request.form else tasks.change
        task = save(who.user_id, task_id, changes, seen)
    except InvalidInput as error:
        form.refuse(error)
        current = tasks.get(who.user_id, task_id)
        return _conflict(current, form) if current["deleted_at"] else _task(current, form), 422
    except PreconditionFailed as error:
        if error.current is None or not form.is_saved_in(error.current):
            return _conflict(error.current, form), 409
        task = error.current  # sent again, say because the answer was lost
    except TaskNotFound:
        return _conflict(tasks.get(who.user_id, task_id), form), 409  # in the trash, if anywhere
    flash(f"Saved {quoted(task)}.", undo_of(task))
    return redirect(return_path(), 303)


def list_page(form: NewTaskForm, refusal: str = "") -> str:
    """Return the page of the list that the query string names.

    With the ``refusal`` of what was searched for, the list is empty and says so.
    """
    who, filters, now = principal(), _filters(), _now()
    searched = filters.get("q", "").strip()  # the position in a refusal is that in the text without blanks around it
    if refusal:
        filters.pop("q", None)
    asked = fields(schemas.ListQuery, {**filters, "cursor": request.args.get("before") or request.args.get("cursor")})
    query = asked.query(task_cursors.seen_at(asked.cursor, who.timezone))
    page = task_lists.Page([]) if refusal else _page(query, asked.cursor)
    rows = [task | {"due": due.describe(task, now)} for task in page.items]
    ticked = [str(task["id"]) for task in rows] if "select" in request.args else request.form.getlist("task")
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
        page=page,
        here=list_path(),
        ticked=ticked,
        list_arguments=_list_arguments(),
        progress=task_progress.completed_per_day(who.user_id, now.date(), who.timezone)
        if query == Query(status="completed") and not asked.cursor
        else None,
        priorities=list(PRIORITIES.values()),
    )


def _page(query: Query, cursor: str | None) -> task_lists.Page:
    backwards = "before" in request.args
    page = task_lists.page(principal().user_id, query, cursor=cursor, backwards=backwards)
    # Counted from the back, the first page may be a short one.
    return task_lists.page(principal().user_id, query) if backwards and page.previous_cursor is None else page


def _task(task: TaskRow, form: TaskForm) -> str:
    return render_template("tasks/show.html", task=task, form=form, back=return_path(), now=_now())


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
    return render_template("tasks/conflict.html", task=current, form=form, differences=differences, back=return_path())


def _filters() -> dict[str, Any]:
    """Return the filters of the list in view, as the query string has them; a list that does not exist is left out."""
    given: dict[str, Any] = {name: request.args[name] for name in ("status", "q") if request.args.get(name)}
    if given.get("status") not in (*TABS, "all"):
        given.pop("status", None)
    if tags := list(filter(None, request.args.getlist("tag"))):
        given["tag"] = tags
    return given


def _section(row: TaskRow) -> str:
    return row["due"].section if row["due"] else due.NO_DATE


def _none(_: TaskRow) -> str:
    return ""


def _understood(task: TaskRow, words: dict[str, Any], now: datetime) -> str:
    """Return what became of the words of the line, for whoever does not see the list."""
    day = due.describe(task, now)
    parts = [day.text] if day and "due_date" in words else []
    parts += [f"{words['priority']} priority"] if "priority" in words else []
    parts += [f"#{tag}" for tag in words.get("tags", ())]
    return f": {_short(', '.join(parts))}" if parts else ""


def list_path() -> str:
    """Return the list that the query string names, at its page."""
    return url_for("tasks.index", **_list_arguments())


def _list_arguments() -> dict[str, Any]:
    return _filters() | {name: request.args[name] for name in ("cursor", "before") if name in request.args}


def return_path() -> str:
    """Return the page one came from."""
    return local_path(request.values.get("back")) or url_for("tasks.index")


def undo_of(task: TaskRow, again: str | None = None) -> str | None:
    """Return the URL that takes back what this request did to the task; None if that was nothing."""
    return url_for("actions.undo", rev=task["rev"], again=again) if task["rev"] > principal().rev else None


def quoted(task: TaskRow) -> str:
    """Return the task's title, or its beginning, for a message."""
    return f"“{_short(task['title'])}”"


def _short(text: str) -> str:
    return text if len(text) <= _MESSAGE_TEXT else text[: _MESSAGE_TEXT - 1].rstrip() + "…"
