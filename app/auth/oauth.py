"""OAuth 2: token endpoint (RFC 6749 §3.2), revocation (RFC 7009), introspection (RFC 7662)."""

from typing import Any

from flask import Blueprint, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from app.auth import oauth_schemas
from app.auth.client_auth import any_client, confidential_client
from app.auth.schemas import Credentials, TokenResponse, token_response
from app.services import authentication, introspection, revocation, scopes, tokens
from app.services.clients import Client
from app.services.errors import InvalidGrant, InvalidInput
from app.web.contract import documented
from app.web.errors import UnsupportedGrantType
from app.web.payload import fields

bp = Blueprint("oauth", __name__, url_prefix="/oauth")


@bp.post("/token")
@documented(form=oauth_schemas.TokenRequest, response=TokenResponse, client=True)
def token() -> Any:
    """Exchange a grant for tokens."""
    form = _form()
    client = any_client(form)
    match _required(form, "grant_type"):
        case "refresh_token":
            pair = tokens.rotate(_required(form, "refresh_token"), client.id, form.get("scope"))
        case "password" if current_app.config["OAUTH_PASSWORD_GRANT"]:
            pair = _password_grant(form, client)
        case _:
            raise UnsupportedGrantType
    return token_response(pair)


@bp.post("/revoke")
@documented(form=oauth_schemas.RevocationRequest, client=True)
def revoke() -> Any:
    """Revoke a token; 200 whatever became of it, unless it belongs to another client (RFC 7009 §2.1, §2.2)."""
    form = _form()
    client = any_client(form)
    if not revocation.revoke(_required(form, "token"), client.id):
        raise InvalidGrant("The token was issued to another client.")
    return "", 200


@bp.post("/introspect")
@documented(form=oauth_schemas.IntrospectionRequest, response=oauth_schemas.Introspection, client=True)
def introspect() -> Any:
    """Tell a confidential client what a token is good for."""
    form = _form()
    client = confidential_client(form)
    return introspection.describe(_required(form, "token"), client)


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


def _password_grant(form: dict[str, str], client: Client) -> tokens.TokenPair:
    scope = scopes.within(form.get("scope"), client.scope)
    given = {"email": _required(form, "username"), "password": _required(form, "password")}
    body = fields(Credentials, given)
    return authentication.sign_in(body.email, body.password, "oauth", client.id, scope=scope)
