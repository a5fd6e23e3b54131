"""The key ring as each process knows it, and how Flask-JWT-Extended learns which key signs and which verifies.

Access tokens are signed by the ring, whose members are `app.services.signing_keys.members`. Refresh tokens are read by
nobody but us and have an HS256 key of their own: no key serves two kinds of token (RFC 8725 §3.12).
"""

import hmac
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from jwt import PyJWK
from jwt.exceptions import InvalidKeyError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as DatabaseTimeout

from app.extensions import jwt
from app.services import jwk, signing_keys
from app.services.jwk import Key

#: Header ``typ`` of access tokens (RFC 9068 §2.1) and of refresh tokens.
ACCESS = "at+jwt"
REFRESH = "rt+jwt"

#: Seconds for which a process believes what it read; after so long a retired key is refused everywhere.
RING_MAX_AGE = 5.0
# An unknown kid is worth a look into the database, a flood of invented ones no more than a look a second.
_UNKNOWN_KID_MAX_AGE = 1.0


@dataclass(frozen=True)
class Ring:
    """What signs and what verifies; a change makes a new ring, so nothing verified with the old one outlives it."""

    signer: Key
    #: The keys whose tokens are good, by kid.
    accepted: dict[str, Key]
    #: Claims of access tokens that were found good with these keys; `app.services.tokens` keeps them.
    verified: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Subject:
    """The identity given to Flask-JWT-Extended: whom a token is for, and the key that signs it."""

    user_id: str
    key: Key


def ring(max_age: float = RING_MAX_AGE) -> Ring:
    """Return the ring as the database had it at most ``max_age`` seconds ago."""
    copies = current_app.extensions
    copy: _Copy = copies.get("key ring") or copies.setdefault("key ring", _Copy())
    return copy.ring(max_age)


def forget() -> None:
    """Make this process read the ring anew at once; the others do within `RING_MAX_AGE`."""
    current_app.extensions.pop("key ring", None)


def published() -> list[dict[str, str]]:
    """Return the JWKs with which anybody can verify access tokens (RFC 7517 §5); a symmetric key has none."""
    return [key.public for key in ring().accepted.values() if key.public]


def refresh_key() -> Key:
    """Return the key of refresh tokens."""
    return jwk.derived_key(current_app.config["SECRET_KEY"], "taskward refresh tokens")


def mac(message: str) -> str:
    """Return 256 bits, base64url, that only holders of the server's secret can compute for ``message``."""
    secret = jwk.derived_secret(current_app.config["SECRET_KEY"], "taskward identifiers")
    return jwk.base64url(hmac.digest(secret, message.encode(), "sha256"))


class _Copy:
    """This process's copy of the ring."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring: Ring | None = None
        self._read_at = 0.0
        self._failed_at = 0.0

    def ring(self, max_age: float) -> Ring:
        if (current := self._fresh(max_age)) is None:
            began = time.monotonic()
            # One thread asks the database, the others wait for its answer. If there is none they do not ask, too: where
            # the database hangs they would wait one after the other.
            with self._lock:
                if self._failed_at > began:
                    raise DatabaseTimeout("the thread that asked for the signing keys got no answer")
                try:
                    current = self._fresh(max_age) or self._read()
                except SQLAlchemyError:
                    self._failed_at = time.monotonic()
                    raise
        return current

    def _fresh(self, max_age: float) -> Ring | None:
        # A negative age means that the clock was set back.
        return self._ring if 0 <= time.time() - self._read_at < max_age else None

    def _read(self) -> Ring:
        asked_at = time.time()
        good = [member for member in signing_keys.members() if member.accepted]
        accepted = {member.kid: member.key for member in good if member.key}
        signer = next(accepted[member.kid] for member in good if member.status == "signing")
        if self._ring is None or (self._ring.signer.kid, self._ring.accepted.keys()) != (signer.kid, accepted.keys()):
            self._ring = Ring(signer, accepted)
        self._read_at = asked_at
        return self._ring


@jwt.user_identity_loader
def _sub(subject: Subject) -> str:
    return subject.user_id


@jwt.encode_key_loader
def _signing_key(subject: Subject) -> PyJWK:
    return subject.key.signing


@jwt.additional_headers_loader
def _headers(subject: Subject) -> dict[str, Any]:
    # PyJWT lets the header decide. Flask-JWT-Extended's own setting is one algorithm for the whole application.
    return {"alg": subject.key.alg, "kid": subject.key.kid}


@jwt.decode_key_loader
def _verifying_key(header: dict[str, Any], _claims: dict[str, Any]) -> PyJWK:
    """Return the key that the token names; it carries its algorithm, and PyJWT refuses a header with another one."""
    kid = header.get("kid", "")
    if header.get("typ") == REFRESH:
        found = key if (key := refresh_key()).kid == kid else None
    else:
        found = ring().accepted.get(kid) or ring(_UNKNOWN_KID_MAX_AGE).accepted.get(kid)
    if found is None:
        raise InvalidKeyError("unknown kid")
    return found.verifying
