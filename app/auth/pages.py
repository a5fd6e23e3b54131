"""Pages: register, sign in, sign out."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from app.auth import schemas
from app.auth.forms import LoginForm, RegistrationForm
from app.services import accounts, revocation, tokens
from app.services.errors import InvalidInput, RegistrationClosed, ServiceError
from app.web import cookies
from app.web.access import PAGES_CLIENT, local_path, visitor

bp = Blueprint("auth", __name__)

#: What the sign-in page says about how one got there. A flash would not do: sign-out clears all cookies.
NOTICES = {
    "signed-out": "You are signed out.",
    "account-deleted": "Your account and everything in it has been deleted.",
}


@bp.get("/")
def home() -> Any:
    """Lead to the tasks, or to sign-in."""
    return redirect(url_for("tasks.index" if visitor() else ".login"), 303)


@bp.route("/register", methods=["GET", "POST"])
def register() -> Any:
    """Create an account and sign in at once."""
    form = RegistrationForm(next=request.args.get("next"))
    if request.method != "POST":
        if visitor():
            return redirect(_target(form.next.data), 303)
        return render_template("auth/register.html", form=form) if _open() else _closed()
    try:
        body = form.read(schemas.Registration)
        user = accounts.register(body.email, body.password, body.name)
    except RegistrationClosed:
        return _closed()
    except ServiceError as error:
        form.refuse(error)
        return render_template("auth/register.html", form=form), 422
    if form.timezone.data:
        _use_timezone(user.id, form.timezone.data)
    return _signed_in(accounts.sign_in(body.email, body.password, "web", PAGES_CLIENT), form.next.data)


@bp.route("/login", methods=["GET", "POST"])
def login() -> Any:
    """Sign in with e-mail address and password."""
    form = LoginForm(next=request.args.get("next"))
    if request.method != "POST":
        if visitor():
            return redirect(_target(form.next.data), 303)
        return render_template("auth/login.html", form=form, notice=NOTICES.get(request.args.get("notice", "")))
    try:
        body = form.read(schemas.Credentials)
        pair = accounts.sign_in(body.email, body.password, "web", PAGES_CLIENT)
    except ServiceError as error:
        form.refuse(error)
        return render_template("auth/login.html", form=form), 422
    return _signed_in(pair, form.next.data)


@bp.post("/logout")
def logout() -> Any:
    """End this browser's sign-in."""
    _end_former()
    return signed_out("signed-out")


def signed_out(notice: str) -> Response:
    """Return the way to the sign-in page, with everything of this sign-in taken out of the browser."""
    response = redirect(url_for("auth.login", notice=notice), 303)
    cookies.forget(response)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


def _signed_in(pair: tokens.TokenPair, wanted: str | None) -> Response:
    _end_former()
    # Whatever the browser held before signing in, a form token planted by somebody else included, ends here.
    session.clear()
    response = redirect(_target(wanted), 303)
    cookies.keep(response, pair)
    return response


def _end_former() -> None:
    """End the sign-in whose tokens the browser holds, if any; an expired access token does not matter."""
    raw = cookies.refresh_token() or cookies.access_token()
    if raw:
        revocation.revoke(raw, PAGES_CLIENT)


def _target(wanted: str | None) -> str:
    return local_path(wanted) or url_for("tasks.index")


def _use_timezone(user_id: Any, name: str) -> None:
    try:
        accounts.update_profile(user_id, {"timezone": name})
    except InvalidInput:
        # The browser's guess is a convenience; the account page lets the person choose.
        return


def _open() -> bool:
    return bool(current_app.config["REGISTRATION_OPEN"])


def _closed() -> tuple[str, int]:
    return render_template("auth/closed.html", reason=RegistrationClosed.message), 403
