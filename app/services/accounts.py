"""Accounts: register, change, delete."""

from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import SignIn, User, utcnow
from app.services import addresses, audit, authentication, passwords, sign_ins, tasks, tokens
from app.services.errors import (
    EmailTaken,
    InvalidInput,
    RegistrationClosed,
    UserNotFound,
    WrongPassword,
)
from app.services.liveness import Principal


@cache
def time_zones() -> frozenset[str]:
    """Return the IANA names of all time zones.

    Those of the package that comes along: what one system has beyond them, as ``localtime``, the next does not know.
    """
    return frozenset((files("tzdata") / "zones").read_text().split())


def register(email: str, password: str, name: str = "", timezone: str = "UTC") -> UUID:
    """Create an account for somebody who asks for one; commits. Returns its id.

    Raises:
        RegistrationClosed: ``REGISTRATION_OPEN`` is off.
        InvalidInput, EmailTaken: as `create`.
    """
    if not current_app.config["REGISTRATION_OPEN"]:
        raise RegistrationClosed
    return create(email, password, name, timezone)


def create(email: str, password: str, name: str = "", timezone: str = "UTC") -> UUID:
    """Create an account; commits. ``timezone`` is an IANA name. Returns its id.

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
    user_id: UUID = user.id  # asked for after the commit, it would be read anew
    audit.add(audit.Event.USER_CREATED, user_id)
    db.session.commit()
    return user_id


def change_password(who: Principal, current: str, new: str) -> None:
    """Replace the password and end every other sign-in, in one transaction; commits.

    Raises:
        WrongPassword: ``current`` is not the password; the attempt is in the event log.
        TooManyAttempts: wrong too often in this sign-in.
        InvalidInput: ``new_password`` is not acceptable.
    """
    _replace_password(who, current, new)
    db.session.execute(update(SignIn).where(SignIn.id == who.sign_in_id).values(auth_time=utcnow()))
    audit.add(audit.Event.PASSWORD_CHANGE, who.user_id, who.sign_in_id)
    db.session.commit()


def change_password_replacing_sign_in(who: Principal, current: str, new: str) -> tokens.TokenPair:
    """Do the same, and replace the caller's own sign-in too, so that no copy of its tokens is good; commits.

    Raises:
        WrongPassword, TooManyAttempts, InvalidInput: as `change_password`.
        InvalidToken: the sign-in was ended in the meantime.
    """
    _replace_password(who, current, new)
    pair, sign_in_id = authentication.replace_sign_in(who, utcnow())
    audit.add(audit.Event.PASSWORD_CHANGE, who.user_id, sign_in_id, replaces=str(who.sign_in_id))
    db.session.commit()
    return pair


def change_email(who: Principal, email: str) -> dict[str, Any]:
    """Replace the e-mail address and end every other sign-in, in one transaction; commits. Returns the profile.

    The address is half of what one signs in with, so what was signed in with the old one ends, as with a password
    (ASVS 7.4.3). The caller must have seen to it that the password was given lately. The present address, to the
    letter, changes nothing and ends nothing.

    Raises:
        InvalidInput: the address is not acceptable.
        EmailTaken: another account has it, in whatever case.
        UserNotFound: the account was deleted in the meantime.
    """
    if _replace_email(who, email):
        audit.add(audit.Event.EMAIL_CHANGE, who.user_id, who.sign_in_id)
        db.session.commit()
    return profile(who.user_id)


def change_email_replacing_sign_in(who: Principal, email: str) -> tokens.TokenPair | None:
    """Do the same, and replace the caller's own sign-in too; commits. Returns None for the present address.

    Raises:
        InvalidInput, EmailTaken, UserNotFound: as `change_email`.
        InvalidToken: the sign-in was ended in the meantime.
    """
    if not _replace_email(who, email):
        return None
    # The password was given lately, not now: until when that counts does not change.
    pair, sign_in_id = authentication.replace_sign_in(who, who.auth_time)
    audit.add(audit.Event.EMAIL_CHANGE, who.user_id, sign_in_id, replaces=str(who.sign_in_id))
    db.session.commit()
    return pair


def update_profile(user_id: UUID, changes: dict[str, Any]) -> dict[str, Any]:
    """Change ``name``, ``timezone`` and ``theme``, whichever is given; commits. Returns the profile afterwards.

    Raises:
        InvalidInput: the time zone is not an IANA name.
        UserNotFound: the account was deleted in the meantime.
    """
    if "timezone" in changes and changes["timezone"] not in time_zones():
        raise InvalidInput(timezone="Use an IANA time zone name, like Europe/Berlin.")
    if changes:
        before = lock(user_id, User.timezone)
        db.session.execute(update(User).where(User.id == user_id).values(**changes))
        if changes.get("timezone", before) != before:
            tasks.restamp_times(user_id)
        audit.add(audit.Event.USER_UPDATED, user_id, fields=sorted(changes))
        db.session.commit()
    return profile(user_id)


def profile(user_id: UUID) -> dict[str, Any]:
    """Return id, email, name, timezone, theme and created_at.

    Raises:
        UserNotFound: there is no such account.
    """
    columns = (User.id, User.email, User.name, User.timezone, User.theme, User.created_at)
    query = select(*columns).where(User.id == user_id)
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise UserNotFound
    return dict(row._mapping)


def lock(user_id: UUID, column: Any = User.id) -> Any:
    """Lock the account in the caller's transaction, and return what it has in the column.

    Events about it can still be written. Everywhere the account comes first, its sign-ins second, and only then what
    events have to wait for (a deletion, another address): transactions that lock the same rows must not wait for each
    other.

    Raises:
        UserNotFound: there is no such account; the transaction is rolled back.
    """
    row = db.session.execute(select(column).where(User.id == user_id).with_for_update(key_share=True)).one_or_none()
    if row is None:
        db.session.rollback()
        raise UserNotFound
    return row[0]


def delete_own(who: Principal, password: str) -> None:
    """Delete the caller's account with tasks, sign-ins and events; commits.

    Raises:
        WrongPassword: not the password; the attempt is in the event log.
        TooManyAttempts: wrong too often in this sign-in.
    """
    authentication.verify_password(who, password, audit.Event.REAUTHENTICATION_FAIL)
    remove(who.user_id)


def remove(user_id: UUID) -> None:
    """Delete an account with everything in it; commits. That it was deleted is kept, in an event without an owner.

    Raises:
        UserNotFound: there is no such account.
    """
    lock(user_id)
    sign_ins.lock(user_id)
    sign_ins.mark_ended([SignIn.user_id == user_id], "account deleted")
    db.session.execute(delete(User).where(User.id == user_id))
    audit.add(audit.Event.USER_DELETED, deleted_user_id=str(user_id))
    db.session.commit()


def _replace_password(who: Principal, current: str, new: str) -> None:
    passwords.check(new, "new_password", about=(who.name, who.email))
    proven = authentication.verify_password(who, current, audit.Event.PASSWORD_CHANGE_FAIL)
    new_hash = passwords.hash_password(new)
    if not _set_password(who.user_id, new_hash, proven):
        audit.record(audit.Event.PASSWORD_CHANGE_FAIL, who.user_id, who.sign_in_id)
        raise WrongPassword
    sign_ins.mark_ended([SignIn.user_id == who.user_id, SignIn.id != who.sign_in_id], "password changed")


def _replace_email(who: Principal, email: str) -> bool:
    """Replace the address in the caller's transaction; False if it is the present one."""
    address = addresses.valid(email)
    if address == who.email:
        return False
    lock(who.user_id)
    sign_ins.lock(who.user_id)
    values = {"email": address, "email_key": addresses.key(address)}
    try:
        db.session.execute(update(User).where(User.id == who.user_id).values(**values))
    except IntegrityError as error:
        db.session.rollback()
        raise EmailTaken from error
    sign_ins.mark_ended([SignIn.user_id == who.user_id, SignIn.id != who.sign_in_id], "e-mail address changed")
    return True


def _set_password(user_id: UUID, new_hash: str, expected: str) -> bool:
    changed = db.session.scalar(
        update(User)
        .where(User.id == user_id, User.password_hash == expected)
        .values(password_hash=new_hash)
        .returning(User.id)
    )
    return changed is not None
