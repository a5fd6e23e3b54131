"""Pages: one's own account."""

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.auth import schemas
from app.auth.activity import describe
from app.auth.forms import ConfirmationForm, DeletionForm, EmailForm, PasswordForm, ProfileForm
from app.auth.pages import signed_out
from app.services import accounts, audit, authentication, clients, sign_ins
from app.services.errors import EmailTaken, InvalidInput, ServiceError, TooManyAttempts, WrongPassword
from app.services.tokens import TokenPair
from app.web import cookies
from app.web.access import login_required, principal, require_step_up, step_up_required
from app.web.forms import Form, refused
from app.web.messages import flash
from app.web.origin import local_path
from app.web.payload import fields

bp = Blueprint("account", __name__, url_prefix="/account")

_RECENT = 20
#: What each scope lets a program do.
_MAY = {"tasks:read": "read your tasks", "tasks:write": "change your tasks", "account": "see and change your account"}


@bp.get("")
@login_required
def index() -> Any:
    """Show the account: profile, password, devices, activity, deletion."""
    try:
        return _page(cursor=fields(schemas.EventsQuery, request.args.to_dict()).cursor)
    except InvalidInput:
        return redirect(url_for(".index"), 303)


@bp.post("/profile")
@login_required
def update() -> Any:
    """Change name, time zone and theme."""
    form = ProfileForm()
    try:
        changes = form.read(schemas.ProfileChanges).model_dump(exclude_unset=True)
        accounts.update_profile(principal().user_id, changes)
    except InvalidInput as error:
        return _refused(_page, form, error)
    return _done("Profile saved.")


@bp.post("/password")
@login_required
def change_password() -> Any:
    """Change the password, which signs out all other devices."""
    form = PasswordForm()
    try:
        body = form.read(schemas.PasswordChange)
        pair = accounts.change_password_replacing_sign_in(principal(), body.current_password, body.new_password)
    except (InvalidInput, WrongPassword, TooManyAttempts) as error:
        return _refused(_page, form, error)
    return _done("Password changed. All other devices are signed out.", pair)


@bp.post("/sessions/<uuid:sid>/end")
@login_required
def end_session(sid: UUID) -> Any:
    """Sign out one device; this one means signing out."""
    who = principal()
    if sid == who.sign_in_id:
        sign_ins.end(who.user_id, sid, "signed out")
        return signed_out("signed-out")
    require_step_up()
    sign_ins.end(who.user_id, sid, "signed out from another device")
    return _done("That device is signed out.")


@bp.post("/sessions/end-others")
@login_required
@step_up_required
def end_other_sessions() -> Any:
    """Sign out every device but this one."""
    ended = sign_ins.end_others(principal().user_id, keep=principal().sign_in_id)
    return _done("All other devices are signed out." if ended else "No other device was signed in.")


@bp.post("/programs/<client_id>/disconnect")
@login_required
@step_up_required
def disconnect(client_id: str) -> Any:
    """Sign a program out everywhere."""
    clients.disconnect(principal().user_id, client_id)
    return _done("That program is disconnected.")


@bp.route("/email", methods=["GET", "POST"])
@login_required
@step_up_required
def change_email() -> Any:
    """Change the e-mail address, which signs out all other devices."""
    form = EmailForm()
    if request.method == "POST":
        try:
            pair = accounts.change_email_replacing_sign_in(principal(), form.read(schemas.EmailChange).email)
        except (InvalidInput, EmailTaken) as error:
            return _refused(_email_page, form, error)
        changed = "E-mail address changed. All other devices are signed out."
        return _done(changed if pair else "That is your e-mail address already. Nothing was changed.", pair)
    return _email_page(form)


@bp.route("/confirm", methods=["GET", "POST"])
@login_required
def confirm() -> Any:
    """Ask for the password again, then lead on; what needed it is done by nobody but the person."""
    form = ConfirmationForm(next=request.args.get("next"))
    if request.method == "POST":
        wanted = local_path(form.next.data)
        try:
            pair = authentication.reauthenticate(principal(), form.read(schemas.Reauthentication).password)
        except (InvalidInput, WrongPassword, TooManyAttempts) as error:
            return _refused(_confirmation_page, form, error)
        return _led(wanted, pair) if wanted else _done("Thank you. Now press the button again.", pair)
    return _confirmation_page(form)


@bp.post("/delete")
@login_required
def delete() -> Any:
    """Delete the account with everything in it."""
    form = DeletionForm()
    try:
        accounts.delete_own(principal(), form.read(schemas.Deletion).password)
    except (InvalidInput, WrongPassword, TooManyAttempts) as error:
        return _refused(_page, form, error)
    return signed_out("account-deleted")


def _email_page(form: EmailForm) -> str:
    return render_template("account/email.html", form=form, who=principal())


def _confirmation_page(form: ConfirmationForm) -> str:
    return render_template("account/confirm.html", form=form, who=principal())


def _done(text: str, pair: TokenPair | None = None) -> Response:
    flash(text)
    return _led(url_for(".index"), pair)


def _led(target: str, pair: TokenPair | None) -> Response:
    """Return the way to a page, with the tokens of the sign-in that took the place of the present one, if any."""
    response = redirect(target, 303)
    if pair is not None:
        cookies.set_tokens(response, pair)
    return response


def _refused(page_with: Callable[[Any], str], form: Form, error: ServiceError) -> Any:
    form.refuse(error)
    return refused(page_with(form), error)


def _page(sent: Form | None = None, cursor: UUID | None = None) -> str:
    who = principal()
    events = audit.events_of(who.user_id, cursor, _RECENT)
    saved = {"name": who.name, "timezone": who.timezone, "theme": who.theme}
    # Only the form that was sent takes the posted values; the others show what is saved.
    profile = sent if isinstance(sent, ProfileForm) else ProfileForm(formdata=None, data=saved)
    profile.offer(who.timezone)
    return render_template(
        "account/index.html",
        refused=sent,
        profile=profile,
        password=sent if isinstance(sent, PasswordForm) else PasswordForm(formdata=None),
        deletion=sent if isinstance(sent, DeletionForm) else DeletionForm(formdata=None),
        who=who,
        zone=ZoneInfo(who.timezone),
        devices=[each for each in sign_ins.live(who.user_id) if each["kind"] != "oauth"],
        programs=[each | {"may": _may(each["scope"])} for each in clients.connected(who.user_id)],
        activity=[describe(event) for event in events.items],
        older=events.next_cursor,
        cursor=cursor,
    )


def _may(scope: str) -> str:
    *others, last = (_MAY[each] for each in scope.split())
    return f"{', '.join(others)} and {last}" if others else last
