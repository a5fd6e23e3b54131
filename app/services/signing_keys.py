"""The keys that sign access tokens, as the database and SECRET_KEY have them, and what each is good for now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import Row, select

from app.extensions import db
from app.models import SigningKey, utcnow
from app.services import jwk

# How long after its last turn a key may still be used by a process or a machine that has not noticed yet.
_SLACK = timedelta(seconds=30)

_log = structlog.get_logger("keys")


@dataclass(frozen=True)
class Member:
    """A key of the ring.

    ``status`` is ``next`` (published, will sign), ``signing``, ``verifying`` (another has taken over, tokens are still
    about), ``expired`` (none can be), ``retired`` (refused, by order) or ``unreadable`` (sealed under another
    SECRET_KEY).
    """

    kid: str
    algorithm: str
    status: str
    #: None: made from SECRET_KEY and not in the database.
    created_at: datetime | None
    activates_at: datetime | None
    #: When its last token will have expired; None as long as no other key has taken over.
    accepted_until: datetime | None
    retired_at: datetime | None
    #: None: unreadable.
    key: jwk.Key | None

    @property
    def accepted(self) -> bool:
        """Whether a token it signed is good."""
        return self.status in ("next", "signing", "verifying")


def members() -> list[Member]:
    """Return every key, oldest first; the one that SECRET_KEY makes is the first and always signs if no other does."""
    now, rows, first = utcnow(), _rows(), first_key()
    secret_key = current_app.config["SECRET_KEY"]
    keys = {row.kid: _unsealed(row.sealed, row.kid, row.algorithm, secret_key) for row in rows}
    # Those that have come to sign, in order: each ended the turn of the one before.
    turns = [r for r in rows if keys[r.kid] and r.activates_at <= min(now, r.retired_at or now)]
    until = {earlier.kid: later.activates_at + token_lifetime() for earlier, later in pairwise(turns)}
    if turns:
        until[first.kid] = turns[0].activates_at + token_lifetime()
    signer = next((row.kid for row in reversed(turns) if row.retired_at is None), first.kid)

    def place(kid: str) -> tuple[str, datetime | None]:
        if kid == signer:
            return "signing", None
        if kid not in until:
            return "next", None
        return "verifying" if now < until[kid] else "expired", until[kid]

    status, ends = place(first.kid)
    found = [Member(first.kid, first.algorithm, status, None, None, ends, None, first)]
    for row in rows:
        status, ends = place(row.kid) if keys[row.kid] else ("unreadable", None)
        if row.retired_at:
            status, ends = "retired", None
        times = row.created_at, row.activates_at, ends, row.retired_at
        found.append(Member(row.kid, row.algorithm, status, *times, keys[row.kid]))
    return found


def first_key() -> jwk.Key:
    """Return the HS256 key that SECRET_KEY makes, so that access tokens can be signed without configuring anything."""
    return jwk.derived_key(current_app.config["SECRET_KEY"], "taskward access tokens")


def token_lifetime() -> timedelta:
    """Return how long after the end of its turn a key may still meet a token of its own."""
    ttl: timedelta = current_app.config["ACCESS_TOKEN_TTL"]
    return ttl + timedelta(seconds=current_app.config["JWT_DECODE_LEEWAY"]) + _SLACK


def _rows() -> list[Row[Any]]:
    columns = SigningKey.__table__.columns
    query = select(*columns).order_by(SigningKey.activates_at, SigningKey.created_at, SigningKey.kid)
    if db.session().in_transaction():
        # Whoever holds a connection must not wait for a second one: the pool may have no more.
        return list(db.session.execute(query).all())
    with db.read() as connection:
        return list(connection.execute(query).all())


@lru_cache(maxsize=64)
def _unsealed(sealed: str, kid: str, algorithm: str, secret_key: str) -> jwk.Key | None:
    """Open a key once for each process; that it cannot be opened is remembered, and so logged, once as well."""
    key = jwk.unseal(sealed, kid, algorithm, secret_key)
    if key is None:
        _log.error("signing key ignored: it was sealed under another SECRET_KEY", kid=kid, algorithm=algorithm)
    return key
