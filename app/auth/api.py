"""JSON: register, sign in, refresh, sign out, who am I."""

from typing import Any

from flask import Blueprint, url_for

from app.auth import schemas
from app.services import accounts, authentication, clients, scopes, sign_ins, tokens
from app.web.access import principal, token_required
from app.web.contract import documented
from app.web.payload import json_body

bp = Blueprint("auth_api", __name__, url_prefix="/api")


@bp.post("/auth/register")
@documented(request=schemas.Registration, response=schemas.Profile, status=201, sends=["Location"], errors=[403, 409])
def register() -> Any:
    """Create an account."""
    body = json_body(schemas.Registration)
    user_id = accounts.register(body.email, body.password, body.name)
    location = url_for("users_api.show", user_id=user_id)
    return accounts.profile(user_id), 201, {"Location": location}


@bp.post("/auth/login")
@documented(request=schemas.Login, response=schemas.TokenResponse, errors=[401])
def login() -> Any:
    """Sign in with e-mail address and password, for everything or for as little as ``scope`` says."""
    body = json_body(schemas.Login)
    scope = scopes.within(body.scope, scopes.ALL_SCOPES)
    return schemas.token_response(
        authentication.sign_in(body.email, body.password, "api", clients.FIRST_PARTY.id, scope=scope)
    )


@bp.post("/auth/refresh")
@documented(request=schemas.Refresh, response=schemas.TokenResponse, errors=[401])
def refresh() -> Any:
    """Exchange the refresh token for a new pair."""
    body = json_body(schemas.Refresh)
    return schemas.token_response(tokens.rotate(body.refresh_token, clients.FIRST_PARTY.id))


@bp.post("/auth/logout")
@documented(status=204)
@token_required()
def logout() -> Any:
    """End this sign-in; whoever holds a token may give it up, whatever its scope."""
    who = principal()
    sign_ins.end(who.user_id, who.sign_in_id, "signed out")
    return "", 204


@bp.get("/me")
@documented(response=schemas.Profile)
@token_required("account")
def me() -> Any:
    """Show the caller's profile, for the same scope as under its own address."""
    return schemas.own_profile(principal())
