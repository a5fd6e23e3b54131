"""Pages: register, sign in, sign out."""

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from app.auth import schemas
from app.auth.forms import LoginForm, RegistrationForm
from app.services import accounts, authentication, revocation, tokens
from app.services.errors import RegistrationClosed, ServiceError, TooManyAttempts
from app.web import cookies
from app.web.access import PAGES_CLIENT, local_path, visitor
from app.web.forms import refused

bp = Blueprint("auth", __name__)

#: What the sign-in page says about how one got there. A flash would not do: sign-out ends the session it lives in.
NOTICES = {
    "signed-out": "You are signed out.",
    "registered": "Your account is ready. Sign in.",
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
        body, target = form.read(schemas.Registration), _target(form.next.data)
        accounts.register(body.email, body.password, body.name, _known_zone(form.timezone.data))
    except RegistrationClosed:
        return _closed()
    except ServiceError as error:
        form.refuse(error)
        return render_template("auth/register.html", form=form), 422
    try:
        pair = _sign_in(body.email, body.password)
    except TooManyAttempts:
        # Somebody else's failures on this network; the account exists all the same.
        return redirect(url_for(".login", notice="registered", next=form.next.data or None), 303)
    return _signed_in(pair, target)


@bp.route("/login", methods=["GET", "POST"])
def login() -> Any:
    """Sign in with e-mail address and password."""
    form = LoginForm(next=request.args.get("next"))
    if request.method != "POST":
        if visitor():
            return redirect(_target(form.next.data), 303)
        return render_template("auth/login.html", form=form, notice=NOTICES.get(request.args.get("notice", "")))
    try:
        body, target = form.read(schemas.Credentials), _target(form.next.data)
        pair = _sign_in(body.email, body.password)
    except ServiceError as error:
        form.refuse(error)
        return refused(render_template("auth/login.html", form=form), error)
    return _signed_in(pair, target)


@bp.post("/logout")
def logout() -> Any:
    """End this browser's sign-in."""
    _end_former()
    return signed_out("signed-out")


def signed_out(notice: str) -> Response:
    """Return the way to the sign-in page, with everything of this sign-in taken out of the browser."""
    response = redirect(url_for("auth.login", notice=notice), 303)
    cookies.forget(response)
    # Not "cookies": browsers would clear those of every application on the same domain, and our device cookie, which
    # lets this browser in while others guess at the password. The tokens are expired above.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _sign_in(email: str, password: str) -> tokens.TokenPair:
    return authentication.sign_in(email, password, "web", PAGES_CLIENT, device=cookies.device())


def _signed_in(pair: tokens.TokenPair, target: str) -> Response:
    _end_former()
    # Whatever the browser held before signing in, a form token planted by somebody else included, ends here.
    session.clear()
    response = redirect(target, 303)
    cookies.keep(response, pair)
    cookies.know_device(response, pair.user_id)
    return response


def _end_former() -> None:
    """End the sign-in whose tokens the browser holds, if any, and both if they are of two."""
    for raw in (cookies.refresh_token(), cookies.access_token()):
        if raw:
            revocation.sign_out(raw, PAGES_CLIENT)


def _target(wanted: str | None) -> str:
    return local_path(wanted) or url_for("tasks.index")


def _known_zone(guess: str | None) -> str:
    # The browser's guess is a convenience; the account page lets the person choose.
    return guess if guess in available_timezones() else "UTC"


def _open() -> bool:
    return bool(current_app.config["REGISTRATION_OPEN"])


def _closed() -> tuple[str, int]:
    return render_template("auth/closed.html", reason=RegistrationClosed.message), 403
