"""Authentication with a password: signing in, and giving the password again."""

from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import SignIn, User, utcnow
from app.services import addresses, audit, clients, keys, passwords, scopes, sign_ins, throttle, tokens
from app.services.errors import InvalidClient, InvalidCredentials, WrongPassword
from app.services.liveness import Principal


def sign_in(
    email: str,
    password: str,
    kind: str,
    client_id: str,
    *,
    scope: str = scopes.ALL_SCOPES,
    device: str | None = None,
) -> tokens.TokenPair:
    """Check address and password and start a sign-in; commits.

    An unknown address costs the same work and gets the same answer as a wrong password, and so does a disabled account.
    ``device`` is the value of the device cookie, from those who have cookies.

    Raises:
        TooManyAttempts: failed too often; nothing was looked at.
        InvalidCredentials: no sign-in; the attempt is in the event log.
        InvalidClient: the client was revoked in the meantime.
    """
    key = addresses.key(email)
    known, decoy = _account(key)
    attempt = throttle.begin_sign_in(known.id if known else None, key, device)
    matches = passwords.verify(known.password_hash if known else decoy, password)
    if known is None or not matches:
        throttle.failed(attempt, known and known.id)
        audit.record(audit.Event.LOGIN_FAIL, known and known.id)
        raise InvalidCredentials
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(known.password_hash) else None
    pair = None
    with db.unit_of_work() as work:
        # The row is locked and its hash compared again: a password changed while we were hashing must not let us in.
        # Not so tightly that an event about this person, written by whoever revokes our client, would wait for us.
        locked = bool(work.execute(_LOCK, {"user": known.id, "verified": known.password_hash}))
        if locked:
            if rehashed:
                work.execute_later(_REHASH, {"user": known.id, "rehashed": rehashed})
            # The password was right: this attempt must not count as a guess, even if the client was revoked meanwhile.
            throttle.succeeded(attempt, work)
            if clients.lock(client_id, work):
                pair = tokens.issue(sign_ins.start(known.id, kind, client_id, scope, work))
    if not locked:
        throttle.failed(attempt, known.id)
        audit.record(audit.Event.LOGIN_FAIL, known.id)
        raise InvalidCredentials
    if pair is None:
        raise InvalidClient
    return pair


def reauthenticate(who: Principal, password: str) -> tokens.TokenPair:
    """Take the password as proof that it is still the same person (RFC 9470, ASVS 7.5), and start anew; commits.

    The caller's sign-in is replaced by one whose ``auth_time``, which a refresh never moves, is now.

    Raises:
        WrongPassword: not the password; the attempt is in the event log.
        TooManyAttempts: wrong too often in this sign-in.
        InvalidToken: the sign-in was ended in the meantime.
        InvalidClient: its client was revoked in the meantime.
    """
    stored = verify_password(who, password, audit.Event.REAUTHENTICATION_FAIL)
    # As in sign_in: what ends all sign-ins of the account either sees the new one or has made us stop here.
    if db.session.connection().scalar(_LOCK, {"user": who.user_id, "verified": stored}) is None:
        audit.record(audit.Event.REAUTHENTICATION_FAIL, who.user_id, who.sign_in_id)
        raise WrongPassword
    pair, sign_in_id = replace_sign_in(who, utcnow())
    audit.add(audit.Event.REAUTHENTICATION, who.user_id, sign_in_id, replaces=str(who.sign_in_id))
    db.session.commit()
    return pair


def replace_sign_in(who: Principal, auth_time: datetime) -> tuple[tokens.TokenPair, UUID]:
    """Replace the caller's sign-in in a transaction that has locked the account; return the new one's tokens and id.

    Raises:
        InvalidToken: it was ended in the meantime.
        InvalidClient: its client was revoked in the meantime.
    """
    client_id = db.session.scalar(select(SignIn.client_id).where(SignIn.id == who.sign_in_id))
    # Before the sign-in is locked: whoever revokes the client takes the two in this order.
    if client_id is not None and not clients.lock(client_id):
        db.session.rollback()
        raise InvalidClient
    sign_in = sign_ins.replace(who, auth_time)
    # A token that was narrowed gets no more than it had.
    scope = " ".join(each for each in sign_in.scope.split() if each in who.scopes)
    return tokens.issue(sign_in, scope), sign_in.id


def verify_password(who: Principal, password: str, failure: audit.Event) -> str:
    """Check that the password is the caller's; commits. Returns its stored hash, to replace only while it still stands.

    Raises:
        WrongPassword: it is not; the attempt is in the event log as ``failure``.
        TooManyAttempts: wrong too often in this sign-in.
    """
    attempt = throttle.begin_reauthentication(who.user_id, who.sign_in_id)
    with db.read() as connection:
        stored = connection.execute(select(User.password_hash).where(User.id == who.user_id)).scalar()
    if not passwords.verify(stored, password) or stored is None:
        throttle.failed(attempt, who.user_id)
        audit.record(failure, who.user_id, who.sign_in_id)
        raise WrongPassword
    with db.unit_of_work() as work:
        throttle.succeeded(attempt, work)
    return stored


class _Account(NamedTuple):
    id: UUID
    password_hash: str


# Made once: making them takes longer than carrying them out.
_first = select(User.id).order_by(User.id).limit(1)
_from = _first.where(User.id >= bindparam("chosen", type_=User.id.type))
_decoy = aliased(User)
_ACCOUNT = (
    select(User.id, User.password_hash, _decoy.password_hash)
    .select_from(_decoy)
    .outerjoin(User, User.email_key == bindparam("key"))
    .where(_decoy.id == func.coalesce(_from.scalar_subquery(), _first.scalar_subquery()))
)
_LOCK = (
    select(User.id)
    .where(User.id == bindparam("user"), User.password_hash == bindparam("verified"), User.disabled_at.is_(None))
    .with_for_update(key_share=True)
)
_REHASH = update(User).where(User.id == bindparam("user")).values(password_hash=bindparam("rehashed"))


def _account(email_key: str) -> tuple[_Account | None, str | None]:
    """Return id and hash of the account with this address, if any, and the hash that an unknown address is tried on.

    Hashes made before ``ARGON2_*`` was raised take less time. So an unknown address is tried on the hash of some
    account, always the same and chosen by a secret: how long a refusal takes then says nothing about the address.
    """
    rows = db.fetch_all(_ACCOUNT, {"key": email_key, "chosen": uuid5(NAMESPACE_OID, keys.mac(f"decoy {email_key}"))})
    if not rows:
        return None, None  # there are no accounts at all
    [(user_id, password_hash, decoy)] = rows
    return _Account(user_id, password_hash) if user_id else None, decoy
