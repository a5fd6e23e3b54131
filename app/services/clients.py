"""OAuth clients: register, authenticate, list, revoke (RFC 6749 §2)."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, update

from app.database import UnitOfWork
from app.extensions import db
from app.models import OAuthClient, SignIn, utcnow
from app.services import audit, liveness, scopes, sign_ins
from app.services.errors import ClientNotFound, InvalidClient, InvalidInput


@dataclass(frozen=True, slots=True)
class Client:
    """A program that asks for tokens, after it has shown who it is."""

    id: str
    #: The most it may be given.
    scope: str
    #: Has a secret, and has just proved it.
    confidential: bool
    #: May ask about access tokens that are not its own, as a resource server does.
    introspects: bool


#: The client that our own programs are: public, in no table, meant also by whoever names none.
FIRST_PARTY = Client("taskward-api", scopes.ALL_SCOPES, confidential=False, introspects=False)

# The shape that `create` gives ids. The built-in clients and users, whose ids are UUIDs, can have none like it.
_REGISTERED = re.compile(r"client_[0-9a-f]{20}")

# Made once: making them takes longer than carrying them out.
_KNOWN = select(
    OAuthClient.id, OAuthClient.scope, OAuthClient.secret_digest, OAuthClient.introspects, OAuthClient.revoked_at
).where(OAuthClient.id == bindparam("client"))
_LOCK = (
    select(OAuthClient.id)
    .where(OAuthClient.id == bindparam("client"), OAuthClient.revoked_at.is_(None))
    .with_for_update(read=True)
)


def create(name: str, *, confidential: bool, scope: str, introspects: bool) -> dict[str, Any]:
    """Register a client; commits. Returns it as `find` does, plus ``secret``, which is never to be had again.

    A public client has no secret: the value is None.

    Raises:
        InvalidInput: a public client is to introspect, which is for clients that can authenticate (RFC 7662 §2.1).
        InvalidScope: there is no such scope.
    """
    if introspects and not confidential:
        raise InvalidInput(introspects="Only a confidential client can introspect.")
    # With 256 random bits one round of SHA-256 is as good as a slow hash. The prefix is for secret scanners.
    secret = f"twcs_{secrets.token_urlsafe(32)}" if confidential else None
    client = OAuthClient(
        id=f"client_{secrets.token_hex(10)}",
        name=name,
        secret_digest=_digest(secret) if secret else None,
        scope=scopes.within(scope, scopes.ALL_SCOPES),
        introspects=introspects,
    )
    client_id = client.id
    db.session.add(client)
    audit.add(audit.Event.ADMIN, action="client registered", client_id=client_id)
    db.session.commit()
    return find(client_id) | {"secret": secret}


def authenticate(client_id: str | None, secret: str | None) -> Client:
    """Return the client of this id if the secret is its own; a public client has none to give (RFC 6749 §2.3).

    Without an id it is `FIRST_PARTY`.

    Raises:
        InvalidClient: unknown or revoked, a wrong secret, or a secret missing; the attempt is in the event log.
    """
    if client_id in (None, FIRST_PARTY.id) and secret is None:
        return FIRST_PARTY
    rows = db.fetch_all(_KNOWN, {"client": client_id}) if _REGISTERED.fullmatch(client_id or "") else []
    for known_id, scope, digest, introspects, revoked_at in rows:
        if revoked_at is None and _proves(secret, digest):
            return Client(known_id, scope, digest is not None, introspects)
        audit.record(audit.Event.CLIENT_FAIL, client_id=known_id)
    if not rows:
        # Of nobody: no row, lest noise fill the table, and no word of what was typed.
        audit.note(audit.Event.CLIENT_FAIL)
    raise InvalidClient


def lock(client_id: str, work: UnitOfWork = db.in_session) -> bool:
    """Keep a client from being revoked until the caller's unit of work ends; False if it has been revoked already.

    A sign-in that begins while its client is being revoked would otherwise outlive it.
    """
    if not _REGISTERED.fullmatch(client_id):
        return True
    return bool(work.execute(_LOCK, {"client": client_id}))


def registered() -> list[dict[str, Any]]:
    """Return every registered client, oldest first: id, name, type, scope, introspects, status, sessions and times."""
    live = select(func.count()).select_from(SignIn).where(SignIn.client_id == OAuthClient.id)
    sessions = live.where(*liveness.alive(utcnow())).scalar_subquery().label("sessions")
    query = select(*OAuthClient.__table__.c, sessions).order_by(OAuthClient.created_at, OAuthClient.id)
    with db.read() as connection:
        return [_described(row) for row in connection.execute(query)]


def find(client_id: str) -> dict[str, Any]:
    """Return one client as `registered` does.

    Raises:
        ClientNotFound: there is none of this id.
    """
    found = next((each for each in registered() if each["id"] == client_id), None)
    if found is None:
        raise ClientNotFound
    return found


def revoke(client_id: str) -> int:
    """Shut a client out and end all its sign-ins; commits. Returns how many were ended; a second time none.

    Raises:
        ClientNotFound: there is none of this id.
    """
    find(client_id)
    in_use = update(OAuthClient).where(OAuthClient.id == client_id, OAuthClient.revoked_at.is_(None))
    if db.session.scalar(in_use.values(revoked_at=utcnow()).returning(OAuthClient.id)) is not None:
        audit.add(audit.Event.ADMIN, action="client revoked", client_id=client_id)
    ended = sign_ins.mark_ended([SignIn.client_id == client_id], "client revoked")
    db.session.commit()
    return ended


def connected(user_id: UUID) -> list[dict[str, Any]]:
    """Return the clients that hold a live sign-in of the person, last seen first.

    Each has ``client_id``, ``name`` (that of the built-in client is its id), ``scope`` (all that its sign-ins have
    together), ``since`` (when the oldest of them began) and ``last_seen_at``.
    """
    columns = SignIn.client_id, OAuthClient.name, SignIn.scope, SignIn.created_at, SignIn.last_seen_at
    query = select(*columns).outerjoin(OAuthClient, OAuthClient.id == SignIn.client_id)
    query = query.where(*_connecting(user_id), *liveness.alive(utcnow())).order_by(SignIn.last_seen_at.desc())
    found: dict[str, dict[str, Any]] = {}
    with db.read() as connection:
        for row in connection.execute(query):
            client = {"client_id": row.client_id, "name": row.name or row.client_id, "last_seen_at": row.last_seen_at}
            client = found.setdefault(row.client_id, client | {"scope": "", "since": row.created_at})
            client["scope"] = scopes.within(f"{client['scope']} {row.scope}".strip(), scopes.ALL_SCOPES)
            client["since"] = min(client["since"], row.created_at)
    return list(found.values())


def disconnect(user_id: UUID, client_id: str) -> None:
    """End all sign-ins of the person through a client, with an event each; commits.

    Raises:
        ClientNotFound: it holds none that is live.
    """
    known = client_id == FIRST_PARTY.id or _REGISTERED.fullmatch(client_id)
    if not known or not sign_ins.mark_ended(
        [*_connecting(user_id), SignIn.client_id == client_id], "program disconnected"
    ):
        db.session.rollback()
        raise ClientNotFound
    db.session.commit()


def _connecting(user_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return SignIn.user_id == user_id, SignIn.kind == "oauth"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _proves(secret: str | None, digest: str | None) -> bool:
    if digest is None or secret is None:
        return digest is None and secret is None
    return hmac.compare_digest(_digest(secret), digest)


def _described(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "type": "public" if row.secret_digest is None else "confidential",
        "scope": row.scope,
        "introspects": row.introspects,
        "status": "active" if row.revoked_at is None else "revoked",
        "sessions": row.sessions,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }
