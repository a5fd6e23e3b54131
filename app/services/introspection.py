"""What a token is good for, asked by somebody else's server (RFC 7662)."""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import SignIn, User, utcnow
from app.services import liveness, tokens
from app.services.clients import Client

_MEMBERS = ("client_id", "exp", "iat", "sub", "aud", "iss", "jti")
_INACTIVE = {"active": False}


def describe(raw: str, client: Client) -> dict[str, Any]:
    """Return the introspection response of RFC 7662 §2.2 for a client that has authenticated; writes nothing.

    A client sees its own tokens; one that introspects sees everybody's access tokens. A refresh token is only ever
    described to the client it was issued to: it is good at no resource server, and one that was told "active" might
    let it pass for an access token (§4). Whatever is not to be seen, not known or not alive is inactive and no more.
    The person is named by ``sub`` alone.
    """
    found = tokens.verify_either(raw)
    if found is None:
        return _INACTIVE
    typ, claims = found
    own = claims["client_id"] == client.id
    # Our own API forgives a few seconds after the end, for clocks that differ; what is told to others is exact.
    if not (own or (client.introspects and typ == tokens.ACCESS)) or claims["exp"] <= time.time():
        return _INACTIVE
    scope = _access_scope(claims) if typ == tokens.ACCESS else _refresh_scope(claims)
    if scope is None:
        return _INACTIVE
    # §5.1 of RFC 6749 knows types of access tokens only.
    kind = {"token_type": "Bearer"} if typ == tokens.ACCESS else {}
    return {"active": True, "scope": scope} | kind | {name: claims[name] for name in _MEMBERS}


def _access_scope(claims: tokens.Claims) -> str | None:
    who = liveness.principal(claims)
    return None if who is None else " ".join(each for each in claims["scope"].split() if each in who.scopes)


def _refresh_scope(claims: tokens.Claims) -> str | None:
    """Return the scope of a living sign-in whose newest refresh token this is."""
    query = (
        select(SignIn.scope)
        .join(User, User.id == SignIn.user_id)
        .where(SignIn.id == UUID(claims["sid"]), SignIn.user_id == UUID(claims["sub"]))
        .where(SignIn.client_id == claims["client_id"], SignIn.seq == claims["seq"])
        .where(User.disabled_at.is_(None), *liveness.alive(utcnow()))
    )
    with db.read() as connection:
        scope: str | None = connection.execute(query).scalar()
    return scope
