"""When this browser's sign-in ends, and putting that off: for app.js and the notice on every page."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_wtf.csrf import generate_csrf

from app.services import tokens
from app.services.errors import InvalidGrant
from app.web import cookies
from app.web.access import PAGES_CLIENT, peek_signed_in
from app.web.origin import local_path

bp = Blueprint("session", __name__, url_prefix="/session")


@bp.get("")
def show() -> Any:
    """Tell a script who is signed in, for how long, and the form token of today; that is no use that prolongs it."""
    who = peek_signed_in()
    if who is None:
        return {"user_id": None}
    return {
        "user_id": str(who.user_id),
        "seconds_left": who.seconds_left(),
        "renewable": who.renewable,
        "csrf_token": generate_csrf(),
    }


@bp.post("")
def renew() -> Any:
    """Renew the tokens before they need it, which puts off the idle end; lead back, or a script to `show`."""
    response = redirect(local_path(request.form.get("back")) or url_for(".show"), 303)
    refresh = cookies.refresh_token()
    if refresh and peek_signed_in():
        # Should it end this moment, what is led to says so.
        with suppress(InvalidGrant):
            cookies.set_tokens(response, tokens.rotate(refresh, PAGES_CLIENT))
    return response
