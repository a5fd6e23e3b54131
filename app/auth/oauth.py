"""OAuth 2: token endpoint (RFC 6749 §3.2) and revocation (RFC 7009)."""

from typing import Any

from flask import Blueprint, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from app.auth.schemas import Credentials, token_response
from app.extensions import csrf
from app.services import accounts, tokens
from app.services.errors import InvalidInput
from app.web.access import API_CLIENT
from app.web.errors import InvalidClient, UnsupportedGrantType
from app.web.payload import fields

bp = Blueprint("oauth", __name__, url_prefix="/oauth")
csrf.exempt(bp)  # reads no cookie


@bp.post("/token")
def token() -> Any:
    """Exchange a grant for tokens."""
    form = _form()
    client_id = _client(form)
    match _required(form, "grant_type"):
        case "refresh_token":
            return token_response(tokens.rotate(_required(form, "refresh_token"), client_id))
        case "password" if current_app.config["OAUTH_PASSWORD_GRANT"]:
            given = {"email": _required(form, "username"), "password": _required(form, "password")}
            body = fields(Credentials, given)
            return token_response(accounts.sign_in(body.email, body.password, "oauth", client_id))
    raise UnsupportedGrantType


@bp.post("/revoke")
def revoke() -> Any:
    """Revoke a token; always 200, whatever became of it (RFC 7009 §2.2)."""
    form = _form()
    client_id = _client(form)
    tokens.revoke(_required(form, "token"), client_id)
    return "", 200


def _form() -> dict[str, str]:
    """Return the body's parameters; one without a value counts as left out (RFC 6749 §3.1)."""
    if request.mimetype not in ("application/x-www-form-urlencoded", ""):
        raise UnsupportedMediaType("Send the parameters as application/x-www-form-urlencoded.")
    if any(len(values) > 1 for _, values in request.form.lists()):
        raise InvalidInput(parameter="A parameter is given more than once.")
    return {name: value for name, value in request.form.items() if value}


def _required(form: dict[str, str], name: str) -> str:
    if name not in form:
        raise InvalidInput(**{name: f"The parameter {name} is missing."})
    return form[name]


def _client(form: dict[str, str]) -> str:
    """Return the client that asks; there is one, public and first-party, meant also by whoever names none."""
    named = form.get("client_id", API_CLIENT)
    if "Authorization" in request.headers or "client_secret" in form or named != API_CLIENT:
        raise InvalidClient
    return API_CLIENT
