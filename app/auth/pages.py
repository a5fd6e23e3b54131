"""Pages: register, sign in, sign out; and what is answered to forms that came too late."""

from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response as AnyResponse

from app.auth import schemas, unsent
from app.auth.forms import LoginForm, RegistrationForm
from app.services import accounts, audit, authentication, revocation, tokens
from app.services.errors import RegistrationClosed, ServiceError, TooManyAttempts
from app.web import access, cookies
from app.web.access import PAGES_CLIENT, signed_in
from app.web.errors import CHALLENGE, SignInOver, on_csrf_error
from app.web.forms import refused
from app.web.messages import flash
from app.web.origin import is_same_origin, local_path, page_before

bp = Blueprint("auth", __name__)

#: What the sign-in page says about how one got there. A flash would not do: sign-out ends the session it lives in.
NOTICES = {
    "signed-out": "You are signed out.",
    "registered": "Your account is ready. Sign in.",
    "account-deleted": "Your account and everything in it has been deleted.",
}
TYPED_IS_KEPT = "Your sign-in is over. Nothing you typed is lost: sign in, and it comes back to be sent."
NOT_DONE = (
    "Your sign-in is over, so nothing was done. Sign in, then do it again; passwords and files have to be given again."
)
#: For forms that end the sign-in with which they are sent: whoever sends one twice is not signed in the second time.
SENT_BEFORE = " If you had sent it before, that was done: sign in with the new password or address."
SIGNED_IN_AGAIN = "You are signed in again. This is what you had typed; nothing of it has been sent yet."
OUT_OF_DATE = (
    "This form was out of date, perhaps because you signed in or out in another tab. This is what you had typed; "
    "nothing of it has been sent yet."
)
NOT_YOURS = "What had been typed before is not shown: it was another account's, or too old."


@bp.get("/")
def home() -> Any:
    """Lead to the tasks, or to sign-in."""
    return redirect(url_for("tasks.index" if signed_in() else ".login"), 303)


@bp.route("/register", methods=["GET", "POST"])
def register() -> Any:
    """Create an account and sign in at once."""
    form = RegistrationForm(next=request.args.get("next"))
    if request.method != "POST":
        if signed_in():
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
        if signed_in():
            return redirect(_target(form.next.data), 303)
        return render_template("auth/login.html", form=form, notice=NOTICES.get(request.args.get("notice", "")))
    try:
        body, target = form.read(schemas.Credentials), _target(form.next.data)
        pair = _sign_in(body.email, body.password)
    except ServiceError as error:
        form.refuse(error)
        return refused(render_template("auth/login.html", form=form), error)
    return _signed_in(pair, target, form.unsent.data)


@bp.app_errorhandler(SignInOver)
def sign_in_first(_: Exception) -> Response:
    """Ask whoever sent a form without being signed in to do that, and keep for them what they typed."""
    kept = unsent.sent()
    _clear_session()
    form = LoginForm(formdata=None, data={"next": page_before(), "unsent": unsent.seal(kept) if kept else None})
    notice = TYPED_IS_KEPT if kept else NOT_DONE
    if request.endpoint in ("account.change_password", "account.change_email"):
        notice += SENT_BEFORE
    page = render_template("auth/login.html", form=form, notice=notice)
    return make_response(page, 401, {"WWW-Authenticate": CHALLENGE})


@bp.app_errorhandler(CSRFError)
def form_out_of_date(error: CSRFError) -> AnyResponse:
    """Give a form back whose token is missing or old, filled and with a new one, if it came from a page of ours.

    Asks no database: it may be what is out of order.
    """
    kept = unsent.sent() if is_same_origin() else None
    if kept is None:
        return on_csrf_error(error)
    audit.note(audit.Event.CSRF, endpoint=request.endpoint)
    if request.blueprint != bp.name and not (cookies.access_token() or cookies.refresh_token()):
        return sign_in_first(error)
    return make_response(unsent.page(kept, OUT_OF_DATE), 400)


@bp.post("/logout")
def logout() -> Any:
    """End this browser's sign-in."""
    _end_former()
    return signed_out("signed-out")


def signed_out(notice: str) -> AnyResponse:
    """Return the way to the sign-in page, with everything of this sign-in taken out of the browser."""
    response = redirect(url_for("auth.login", notice=notice), 303)
    cookies.unset_tokens(response)
    # Not "cookies": browsers would clear those of every application on the same domain, and our device cookie, which
    # lets this browser in while others guess at the password. The tokens are expired above.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _sign_in(email: str, password: str) -> tokens.TokenPair:
    return authentication.sign_in(email, password, "web", PAGES_CLIENT, device=cookies.device())


def _signed_in(pair: tokens.TokenPair, target: str, typed: str | None = None) -> AnyResponse:
    _end_former()
    # Whatever the browser held before signing in, a form token planted by somebody else included, ends here.
    _clear_session()
    kept = unsent.unseal(typed, pair.user_id) if typed else None
    if kept:
        access.authenticate(pair)
        # Not by way of a redirect: what was typed would not fit into a cookie, and must not be in a URL.
        response: AnyResponse = make_response(unsent.page(kept, SIGNED_IN_AGAIN))
    else:
        if typed:
            flash(NOT_YOURS)
        response = redirect(target, 303)
    cookies.set_tokens(response, pair)
    cookies.set_device(response, pair.user_id)
    return response


def _clear_session() -> None:
    """Drop messages and form token of whoever was here before; a form made from now on gets a token of its own."""
    session.clear()
    g.pop("csrf_token", None)  # Flask-WTF remembers the one that a form of this request has had


def _end_former() -> None:
    """End the sign-in whose tokens the browser holds, if any, and both if they are of two."""
    for raw in (cookies.refresh_token(), cookies.access_token()):
        if raw:
            revocation.sign_out(raw, PAGES_CLIENT)


def _target(wanted: str | None) -> str:
    return local_path(wanted) or url_for("tasks.index")


def _known_zone(guess: str | None) -> str:
    # The browser's guess is a convenience; the account page lets the person choose.
    return guess if guess in accounts.time_zones() else "UTC"


def _open() -> bool:
    return bool(current_app.config["REGISTRATION_OPEN"])


def _closed() -> tuple[str, int]:
    return render_template("auth/closed.html", reason=RegistrationClosed.message), 403
