"""Accounts: register, sign in, change, delete."""

from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import SignIn, User, utcnow
from app.services import addresses, audit, clients, passwords, scopes, sign_ins, throttle, tokens
from app.services.errors import (
    EmailTaken,
    InvalidClient,
    InvalidCredentials,
    InvalidInput,
    RegistrationClosed,
    UserNotFound,
    WrongPassword,
)


def register(email: str, password: str, name: str = "", timezone: str = "UTC") -> User:
    """Create an account for somebody who asks for one; commits.

    Raises:
        RegistrationClosed: ``REGISTRATION_OPEN`` is off.
        InvalidInput, EmailTaken: as `create`.
    """
    if not current_app.config["REGISTRATION_OPEN"]:
        raise RegistrationClosed
    return create(email, password, name, timezone)


def create(email: str, password: str, name: str = "", timezone: str = "UTC") -> User:
    """Create an account; commits. ``timezone`` is an IANA name.

    Raises:
        InvalidInput: the address or the password is not acceptable.
        EmailTaken: an account has this address, in whatever case.
    """
    address = addresses.valid(email)
    passwords.check(password, about=(name, address))
    user = User(
        email=address,
        email_key=addresses.key(address),
        name=name,
        timezone=timezone,
        password_hash=passwords.hash_password(password),
    )
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise EmailTaken from error
    audit.add(audit.Event.USER_CREATED, user.id)
    db.session.commit()
    return user


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
    with db.read() as connection:
        known = connection.execute(select(User.id, User.password_hash).where(User.email_key == key)).one_or_none()
    attempt = throttle.begin_sign_in(known.id if known else None, key, device)
    matches = passwords.verify(known.password_hash if known else None, password)
    if known is None or not matches:
        throttle.failed(attempt, known and known.id)
        audit.record(audit.Event.LOGIN_FAIL, known and known.id)
        raise InvalidCredentials
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(known.password_hash) else None
    # The row is locked and its hash compared again: a password changed while we were hashing must not let us in.
    user = db.session.scalar(
        select(User)
        .where(User.id == known.id, User.password_hash == known.password_hash, User.disabled_at.is_(None))
        .with_for_update()
    )
    if user is None:
        throttle.failed(attempt, known.id)
        audit.record(audit.Event.LOGIN_FAIL, known.id)
        raise InvalidCredentials
    if rehashed:
        user.password_hash = rehashed
    throttle.succeeded(attempt)
    if not clients.hold(client_id):
        db.session.commit()  # the password was right: this attempt must not count as a guess
        raise InvalidClient
    pair = tokens.issue(sign_ins.start(user.id, kind, client_id, scope))
    db.session.commit()
    return pair


def change_password(who: sign_ins.Principal, current: str, new: str) -> None:
    """Replace the password and end every other sign-in, in one transaction; commits.

    Raises:
        WrongPassword: ``current`` is not the password; the attempt is in the event log.
        TooManyAttempts: wrong too often in this sign-in.
        InvalidInput: ``new_password`` is not acceptable.
    """
    passwords.check(new, "new_password", about=(who.name, who.email))
    proven = _prove(who, current, audit.Event.PASSWORD_CHANGE_FAIL)
    new_hash = passwords.hash_password(new)
    if not _set_password(who.user_id, new_hash, proven):
        raise WrongPassword
    sign_ins.mark_ended([SignIn.user_id == who.user_id, SignIn.id != who.sign_in_id], "password changed")
    db.session.execute(update(SignIn).where(SignIn.id == who.sign_in_id).values(auth_time=utcnow()))
    audit.add(audit.Event.PASSWORD_CHANGE, who.user_id, who.sign_in_id)
    db.session.commit()


def reauthenticate(who: sign_ins.Principal, password: str) -> None:
    """Take the password as proof that it is still the same person at this sign-in (RFC 9470, ASVS 7.5); commits.

    Sets ``auth_time`` of the sign-in, which a refresh never moves.

    Raises:
        WrongPassword: not the password; the attempt is in the event log.
    """
    _prove(who, password, audit.Event.REAUTHENTICATION_FAIL)
    db.session.execute(update(SignIn).where(SignIn.id == who.sign_in_id).values(auth_time=utcnow()))
    audit.add(audit.Event.REAUTHENTICATION, who.user_id, who.sign_in_id)
    db.session.commit()


def change_email(who: sign_ins.Principal, email: str) -> dict[str, Any]:
    """Replace the e-mail address and end every other sign-in, in one transaction; commits. Returns the profile.

    The address is half of what one signs in with, so what was signed in with the old one ends, as with a password
    (ASVS 7.4.3). The caller must have seen to it that the password was given lately. The present address, to the
    letter, changes nothing and ends nothing.

    Raises:
        InvalidInput: the address is not acceptable.
        EmailTaken: another account has it, in whatever case.
        UserNotFound: the account was deleted in the meantime.
    """
    address = addresses.valid(email)
    if address != who.email:
        values = {"email": address, "email_key": addresses.key(address)}
        try:
            db.session.execute(update(User).where(User.id == who.user_id).values(**values))
        except IntegrityError as error:
            db.session.rollback()
            raise EmailTaken from error
        sign_ins.mark_ended([SignIn.user_id == who.user_id, SignIn.id != who.sign_in_id], "e-mail address changed")
        audit.add(audit.Event.EMAIL_CHANGE, who.user_id, who.sign_in_id)
        db.session.commit()
    return profile(who.user_id)


def update_profile(user_id: UUID, changes: dict[str, Any]) -> dict[str, Any]:
    """Change ``name`` and ``timezone``, whichever is given; commits. Returns the profile afterwards.

    Raises:
        InvalidInput: the time zone is not an IANA name.
        UserNotFound: the account was deleted in the meantime.
    """
    if "timezone" in changes and changes["timezone"] not in available_timezones():
        raise InvalidInput(timezone="Use an IANA time zone name, like Europe/Berlin.")
    if changes:
        db.session.execute(update(User).where(User.id == user_id).values(**changes))
        audit.add(audit.Event.USER_UPDATED, user_id, fields=sorted(changes))
        db.session.commit()
    return profile(user_id)


def profile(user_id: UUID) -> dict[str, Any]:
    """Return id, email, name, timezone and created_at.

    Raises:
        UserNotFound: there is no such account.
    """
    query = select(User.id, User.email, User.name, User.timezone, User.created_at).where(User.id == user_id)
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise UserNotFound
    return dict(row._mapping)


def delete_own(who: sign_ins.Principal, password: str) -> None:
    """Delete the caller's account with tasks, sign-ins and events; commits.

    Raises:
        WrongPassword: not the password; the attempt is in the event log.
        TooManyAttempts: wrong too often in this sign-in.
    """
    _prove(who, password, audit.Event.REAUTHENTICATION_FAIL)
    remove(who.user_id)


def remove(user_id: UUID) -> None:
    """Delete an account with everything in it; commits. That it was deleted is kept, in an event without an owner.

    Raises:
        UserNotFound: there is no such account.
    """
    if db.session.scalar(delete(User).where(User.id == user_id).returning(User.id)) is None:
        db.session.rollback()
        raise UserNotFound
    audit.add(audit.Event.USER_DELETED, deleted_user_id=str(user_id))
    db.session.commit()


def _prove(who: sign_ins.Principal, password: str, failure: audit.Event) -> str:
    """Return the stored hash if the password is the caller's, so that it can be replaced only while it still stands."""
    attempt = throttle.begin_proof(who.user_id, who.sign_in_id)
    with db.read() as connection:
        stored = connection.execute(select(User.password_hash).where(User.id == who.user_id)).scalar()
    if not passwords.verify(stored, password) or stored is None:
        throttle.failed(attempt, who.user_id)
        audit.record(failure, who.user_id, who.sign_in_id)
        raise WrongPassword
    throttle.succeeded(attempt)
    db.session.commit()
    return stored


def _set_password(user_id: UUID, new_hash: str, expected: str) -> bool:
    changed = db.session.scalar(
        update(User)
        .where(User.id == user_id, User.password_hash == expected)
        .values(password_hash=new_hash)
        .returning(User.id)
    )
    return changed is not None
