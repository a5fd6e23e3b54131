"""Access and refresh tokens: issue, verify, rotate (RFC 9068, RFC 6749 §6)."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

from flask import current_app
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from sqlalchemy import bindparam, exists, select, update

from app.extensions import db, unverified_header
from app.models import SignIn, User, utcnow
from app.services import audit, keys, liveness, metrics, scopes, sign_ins
from app.services.errors import InvalidGrant, InvalidScope, InvalidToken

ACCESS = keys.ACCESS
REFRESH = keys.REFRESH

Claims = dict[str, Any]

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONGEST = 4096
_REQUIRED: dict[str, dict[str, type]] = {
    ACCESS: {"client_id": str, "scope": str, "auth_time": int},
    REFRESH: {"client_id": str, "seq": int},
}
_EVERY_TOKEN: dict[str, type] = {"iss": str, "aud": str, "sub": str, "sid": str, "jti": str, "exp": int, "iat": int}

# A signature verified once need not be verified again; whether the sign-in still lives is asked every time. Saves a
# fifth of the time of a list request. Emptied when full: one second of cold cache beats bookkeeping on each request.
_VERIFIED_AT_MOST = 4096


class RefreshState(Protocol):
    """The columns of a sign-in that its tokens are made of."""

    id: Any
    user_id: Any
    client_id: Any
    scope: Any
    auth_time: Any
    seq: Any
    rotated_at: Any
    idle_until: Any
    expires_at: Any


@dataclass(frozen=True)
class TokenPair:
    """What a client is given: both tokens, seconds until the access token expires, and until when to keep them."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    user_id: UUID
    refresh_expires_at: datetime


def issue(sign_in: RefreshState, scope: str | None = None) -> TokenPair:
    """Return the one token pair that belongs to the sign-in's current ``seq``; ``scope`` narrows the access token.

    Every claim comes from the row, so asking twice gives the same pair and nothing need be stored; only the signature
    of the access token may differ, with ES256 or when another key has taken over in between.
    """
    scope = scope or sign_in.scope
    issued_at = int(sign_in.rotated_at.timestamp())
    access_until = min(sign_in.rotated_at + current_app.config["ACCESS_TOKEN_TTL"], sign_in.expires_at)
    refresh_until = min(sign_in.idle_until, sign_in.expires_at)
    shared: Claims = {"sid": str(sign_in.id), "client_id": sign_in.client_id, "iat": issued_at}
    access = create_access_token(
        keys.Subject(str(sign_in.user_id), keys.ring().signer),
        additional_claims=shared
        | {
            "jti": keys.mac(f"{ACCESS} {sign_in.id} {sign_in.seq} {scope}"),
            "exp": int(access_until.timestamp()),
            "scope": scope,
            "auth_time": int(sign_in.auth_time.timestamp()),
        },
        additional_headers={"typ": ACCESS},
    )
    refresh = create_refresh_token(
        keys.Subject(str(sign_in.user_id), keys.refresh_key()),
        additional_claims=shared
        | {
            "jti": keys.mac(f"{REFRESH} {sign_in.id} {sign_in.seq}"),
            "exp": int(refresh_until.timestamp()),
            "seq": sign_in.seq,
        },
        additional_headers={"typ": REFRESH},
    )
    left = max(0, int(access_until.timestamp()) - int(utcnow().timestamp()))
    return TokenPair(access, refresh, left, scope, sign_in.user_id, refresh_until)


def verify(raw: str, typ: str) -> Claims:
    """Return the claims of a token of this type whose signature, issuer, audience, expiry and claims are all good.

    Says nothing about whether it has been revoked: that is `liveness.principal`.

    Raises:
        InvalidToken: anything at all is wrong with it (RFC 8725 §3).
    """
    # Fetched before the check: should the ring change meanwhile, the result goes with the old one.
    verified = keys.ring().verified
    known = verified.get(raw)
    if known is not None and typ == ACCESS and known["exp"] > time.time():
        return known
    if len(raw) > _LONGEST or not _SHAPE.fullmatch(raw):
        raise InvalidToken
    try:
        claims = decode_token(raw)
        header = unverified_header(raw)  # no longer unverified: the signature above covers it
        if header.get("typ") != typ:
            raise InvalidToken
        for name, kind in (_EVERY_TOKEN | _REQUIRED[typ]).items():
            if type(claims.get(name)) is not kind:
                raise InvalidToken
        UUID(claims["sub"])
        UUID(claims["sid"])
    except (PyJWTError, JWTExtendedException, ValueError, OverflowError, RecursionError) as error:
        raise InvalidToken from error
    if typ == ACCESS:
        if len(verified) >= _VERIFIED_AT_MOST:
            verified.clear()
        verified[raw] = claims
    return claims


def verify_either(raw: str) -> tuple[str, Claims] | None:
    """Return type and claims of a good token, whichever type it has, as `verify` does; None for one that is none."""
    for typ in (ACCESS, REFRESH):
        try:
            return typ, verify(raw, typ)
        except InvalidToken:
            continue
    return None


def rotate(raw: str, client_id: str, scope: str | None = None) -> TokenPair:
    """Exchange a refresh token for its successor; commits.

    The newest token moves the sign-in on. The one before it, within ``REFRESH_GRACE`` of that move, gets the very same
    successor: a client that lost the answer or asked twice at once loses nothing. Any older one is reuse: the
    sign-in is ended (RFC 9700 §4.14.2), and only then the error is raised, since raising first would undo that.
    ``scope`` narrows the access token alone: the refresh token keeps what was granted (RFC 6749 §6).

    Raises:
        InvalidGrant: the token, its sign-in, its client or its user is no longer good.
        InvalidScope: more is asked for than was granted; the refresh token is not used up.
    """
    try:
        claims = verify(raw, REFRESH)
    except InvalidToken as error:
        raise _refusal() from error
    if claims["client_id"] != client_id:
        raise _refusal()
    seq, now = claims["seq"], utcnow()
    named = {"sid": UUID(claims["sid"]), "sub": UUID(claims["sub"]), "client": client_id, "now": now}
    new = {"known": seq, "idle_end": now + current_app.config["REFRESH_IDLE"]}
    try:
        with db.unit_of_work() as work:
            rotated = next(map(_state, work.execute(_ROTATE, named | new)), None)
            if rotated:
                scopes.within(scope, rotated.scope)  # before the commit: a token that is refused is not used up
        row = rotated or _repeat_of_last_rotation(named, seq)
        narrowed = scopes.within(scope, row.scope)
    except InvalidScope:
        metrics.refresh("refused").inc()
        raise
    metrics.refresh("rotated" if rotated else "grace").inc()
    audit.note(audit.Event.SESSION_RENEWED, row.user_id, row.id, repeated=rotated is None)
    return issue(row, narrowed)


_REFRESH_STATE = (
    SignIn.id,
    SignIn.user_id,
    SignIn.client_id,
    SignIn.scope,
    SignIn.auth_time,
    SignIn.seq,
    SignIn.rotated_at,
    SignIn.idle_until,
    SignIn.expires_at,
)

# Made once: making them takes longer than carrying them out.
_now = bindparam("now", type_=SignIn.rotated_at.type)
_good = (
    SignIn.id == bindparam("sid"),
    SignIn.user_id == bindparam("sub"),
    SignIn.client_id == bindparam("client"),
    *liveness.alive(_now),
    exists().where(User.id == SignIn.user_id, User.disabled_at.is_(None)),
)
_ROTATE = (
    update(SignIn)
    .where(*_good, SignIn.seq == bindparam("known"))
    .values(seq=SignIn.seq + 1, rotated_at=_now, idle_until=bindparam("idle_end"), last_seen_at=_now)
    .returning(*_REFRESH_STATE)
)
_UNMOVED = select(*_REFRESH_STATE).where(*_good).with_for_update(of=SignIn)


def _state(row: Sequence[Any]) -> RefreshState:
    return SimpleNamespace(**{column.key: value for column, value in zip(_REFRESH_STATE, row, strict=True)})


def _repeat_of_last_rotation(named: dict[str, Any], seq: int) -> RefreshState:
    """Return the sign-in unmoved if ``seq`` is one behind and within grace; otherwise refuse, ending it on reuse."""
    found = db.session.execute(_UNMOVED, named).one_or_none()
    if found is None:
        db.session.rollback()
        raise _refusal()
    # Either way: another server's clock may be ahead, and one that was set back must not prolong it.
    if found.seq - seq == 1 and abs(named["now"] - found.rotated_at) < current_app.config["REFRESH_GRACE"]:
        db.session.rollback()
        return _state(found)
    audit.add(audit.Event.TOKEN_REUSE, found.user_id, found.id, behind=found.seq - seq)
    sign_ins.mark_ended([SignIn.id == found.id], "token reuse")
    db.session.commit()
    raise _refusal("reuse")


def _refusal(outcome: str = "refused") -> InvalidGrant:
    if outcome == "refused":
        audit.note(audit.Event.TOKEN_FAIL)  # reuse has a row
    metrics.refresh(outcome).inc()
    return InvalidGrant()
