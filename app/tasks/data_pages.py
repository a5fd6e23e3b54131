"""Pages: one's data, out, in, and as a calendar."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest

from app.services import feeds, imports
from app.services.errors import InvalidInput
from app.tasks import exported, imported
from app.tasks.conditions import repeatable_form
from app.tasks.feeds import address
from app.tasks.forms import ImportForm
from app.web.access import login_required, principal, step_up_required
from app.web.messages import flash

bp = Blueprint("data", __name__, url_prefix="/account/data")

#: A file, and its text again in the form that confirms it, with what a multipart body has around them.
_MAX_BODY = imported.MAX_BYTES + 64 * 1024


@bp.url_value_preprocessor
def _accept_files(*_: Any) -> None:
    # The first thing that happens in this blueprint. Next, Flask-WTF looks for its token and so reads the whole form,
    # whoever sent it: nothing else may be as large, and no other kind of form takes as long to read.
    if request.endpoint == "data.import_" and request.mimetype == "multipart/form-data":
        request.max_content_length = request.max_form_memory_size = _MAX_BODY


@bp.get("")
@login_required
@step_up_required
def index() -> Any:
    """Show what can be done with one's data."""
    return _page()


@bp.get("/export")
@login_required
@step_up_required
def export() -> Any:
    """Export everything as a file."""
    return exported.file(principal())


@bp.post("/import")
@login_required
def import_() -> Any:
    """Import a file: first say what it would do, then, when that was confirmed, do it."""
    form, who = ImportForm(), principal()
    try:
        kind, text = _given(form)
        many = imported.read(kind, text)
        sent = repeatable_form({"kind": kind, "text": text})
        outcome = imports.run(who.user_id, many, dry_run=not form.confirmed.data, request=sent)
    except InvalidInput as error:
        form.form_errors.extend(imported.lines(error))
        return _page(form), 422
    except BadRequest as error:
        form.file.errors = [str(error.description)]
        return _page(form), 422
    if not form.confirmed.data:
        confirmation = ImportForm(formdata=None, kind=kind, text=text.decode(), confirmed="1")
        return render_template("account/import.html", form=confirmation, outcome=outcome)
    did = ((outcome.created, "new"), (outcome.updated, "changed"), (outcome.unchanged, "the same as before"))
    flash(f"Imported: {', '.join(f'{number} {what}' for number, what in did if number) or 'nothing'}.")
    return redirect(url_for("tasks.index"), 303)


@bp.post("/feed")
@login_required
@step_up_required
def make_feed() -> Any:
    """Make the calendar's address, or another one, and show it this once.

    Not by way of a redirect, which would have to keep the secret somewhere until the next page. So whoever loads that
    page anew sends the form again: it says which address it is about, and replaces no other.
    """
    since = feeds.made_at(principal().user_id)
    if request.form.get("since", "") != (since.isoformat() if since else ""):
        flash("Nothing was done: the address has changed since that page was loaded. To see one again, replace it.")
        return redirect(url_for(".index"), 303)
    return _page(feed_address=address(feeds.make(principal())))


@bp.post("/feed/revoke")
@login_required
def revoke_feed() -> Any:
    """Revoke the calendar's address."""
    feeds.revoke(principal())
    flash("The calendar's address is revoked. Calendars that use it get nothing more.")
    return redirect(url_for(".index"), 303)


def _given(form: ImportForm) -> tuple[str, bytes]:
    """Return kind and content of the file that was chosen, or of the one that is confirmed."""
    if form.confirmed.data:
        return _kind(form.kind.data), (form.text.data or "").encode(errors="replace")
    if not form.file.data:
        raise BadRequest("Choose a file.")
    _, dot, suffix = (form.file.data.filename or "").lower().rpartition(".")
    if dot and suffix not in ("json", "csv", "txt"):
        raise BadRequest("Choose a file whose name ends in .json, .csv or .txt.")
    return _kind(suffix), form.file.data.read()


def _kind(name: str | None) -> str:
    return name if name in ("csv", "txt") else "json"


def _page(form: ImportForm | None = None, feed_address: str | None = None) -> str:
    who = principal()
    return render_template(
        "account/data.html",
        form=form or ImportForm(formdata=None),
        refused=form,
        who=who,
        zone=ZoneInfo(who.timezone),
        max_tasks=imported.MAX_TASKS,
        feed_address=feed_address,
        feed_since=feeds.made_at(who.user_id),
    )
