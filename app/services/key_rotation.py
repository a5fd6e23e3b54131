"""What operators do to the key ring: look at it, add a key that takes over, refuse one, clear away dead ones."""

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from app.extensions import db
from app.models import SigningKey, utcnow
from app.services import audit, jwk, keys, signing_keys
from app.services.errors import KeyFromSecret, KeyNotFound

#: Seconds for which others may keep our public keys.
PUBLISHED_MAX_AGE = 60
# A key signs only when everybody has had time to fetch it: every process its ring, every cache the public keys.
_ACTIVATION_DELAY = timedelta(seconds=120)


def listed() -> list[dict[str, Any]]:
    """Return the keys that matter or are in the database, oldest first: the columns of `signing_keys.Member`."""
    return [_described(member) for member in signing_keys.members() if member.created_at or member.accepted]


def rotate(algorithm: str | None = None, *, at_once: bool = False) -> dict[str, Any]:
    """Add a key that takes over after a delay in which everybody learns of it; commits. Returns it as `listed` does.

    Args:
        algorithm: one of `jwk.ALGORITHMS`; None keeps that of the key that signs now.
        at_once: sign from this moment; whoever holds older public keys has to fetch them again to follow.
    """
    now = utcnow()
    algorithm = algorithm or keys.ring().signer.algorithm
    kid = _add(algorithm, now, now if at_once else now + _ACTIVATION_DELAY)
    audit.add(audit.Event.ADMIN, action="signing key added", kid=kid, algorithm=algorithm)
    db.session.commit()
    keys.forget()
    return next(each for each in listed() if each["kid"] == kid)


def retire(kid: str) -> dict[str, Any]:
    """Refuse a key and every token it signed; commits. Returns the key that signs now, as `listed` does.

    This process refuses it at once, every other one within `keys.RING_MAX_AGE` seconds. If it was the key that signs,
    a new one of its algorithm takes over in the same transaction.

    Raises:
        KeyNotFound: there is no such key, or it was retired before.
        KeyFromSecret: it is made from SECRET_KEY; without it a ring could be left with no key that signs.
    """
    now = utcnow()
    # Two operators at once must not both believe that the key signs; in one order, lest they wait for each other.
    db.session.execute(select(SigningKey.kid).order_by(SigningKey.kid).with_for_update())
    member = next((each for each in signing_keys.members() if each.kid == kid and each.retired_at is None), None)
    if member is None or member.created_at is None:
        db.session.rollback()
        raise KeyNotFound if member is None else KeyFromSecret
    db.session.execute(update(SigningKey).where(SigningKey.kid == kid).values(retired_at=now))
    audit.add(audit.Event.ADMIN, action="signing key retired", kid=kid, algorithm=member.algorithm)
    if member.status == "signing":
        fresh = _add(member.algorithm, now, now)
        audit.add(audit.Event.ADMIN, action="signing key added", kid=fresh, algorithm=member.algorithm)
    db.session.commit()
    keys.forget()
    return next(each for each in listed() if each["status"] == "signing")


def dead() -> list[str]:
    """Return the kids of keys in the database of which no token can be about any more."""
    long_ago = utcnow() - signing_keys.token_lifetime()
    return [
        member.kid
        for member in signing_keys.members()
        if member.status == "expired" or (member.retired_at and member.retired_at < long_ago)
    ]


def _add(algorithm: str, created_at: datetime, activates_at: datetime) -> str:
    private = jwk.make(algorithm)
    kid = jwk.load(private, algorithm).kid
    sealed = jwk.seal(private, kid, algorithm, current_app.config["SECRET_KEY"])
    row = SigningKey(kid=kid, algorithm=algorithm, sealed=sealed, created_at=created_at, activates_at=activates_at)
    db.session.add(row)
    db.session.flush()
    return kid


def _described(member: signing_keys.Member) -> dict[str, Any]:
    return {
        "kid": member.kid,
        "algorithm": member.algorithm,
        "status": member.status,
        "created_at": member.created_at,
        "activates_at": member.activates_at,
        "accepted_until": member.accepted_until,
        "retired_at": member.retired_at,
    }
