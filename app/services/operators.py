"""What an operator may do to accounts: everything except sign in as somebody or see a task."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, update

from app.extensions import db
from app.models import SignIn, User, utcnow
from app.services import accounts, addresses, audit, liveness, passwords, sign_ins
from app.services.errors import SignInNotFound, UserNotFound


def users() -> list[dict[str, Any]]:
    """Return every account, oldest first, with how many live sign-ins it has and when any was last used."""
    with db.read() as connection:
        rows = connection.execute(_accounts().order_by(User.created_at, User.id))
        return [_described(row) for row in rows]


def find(account: str) -> dict[str, Any]:
    """Return the account named by e-mail address or id, as `users` does.

    Raises:
        UserNotFound: there is none.
    """
    # No address has characters that cannot be printed, and PostgreSQL's driver refuses to send NUL.
    row = None
    if account.isprintable():
        with db.read() as connection:
            row = connection.execute(_accounts().where(_named(account))).one_or_none()
    if row is None:
        raise UserNotFound(f"There is no account {account!r}.")
    return _described(row)


def disable(user_id: UUID) -> int:
    """Forbid signing in and end all sign-ins; commits. Returns how many were ended.

    Raises:
        UserNotFound: there is no such account.
    """
    if accounts.lock(user_id, User.disabled_at) is None:
        db.session.execute(update(User).where(User.id == user_id).values(disabled_at=utcnow()))
        audit.add(audit.Event.USER_DISABLED, user_id)
    ended = sign_ins.mark_ended([SignIn.user_id == user_id], "account disabled")
    db.session.commit()
    return ended


def enable(user_id: UUID) -> None:
    """Allow signing in again; commits. Sign-ins that were ended stay so.

    Raises:
        UserNotFound: there is no such account.
    """
    if accounts.lock(user_id, User.disabled_at) is not None:
        db.session.execute(update(User).where(User.id == user_id).values(disabled_at=None))
        audit.add(audit.Event.USER_ENABLED, user_id)
    db.session.commit()


def reset_password(user_id: UUID, new: str) -> int:
    """Set a password and end all sign-ins; commits. A disabled account stays disabled. Returns how many were ended.

    Raises:
        InvalidInput: the password is not acceptable.
        UserNotFound: there is no such account.
    """
    person = accounts.profile(user_id)
    passwords.check(new, about=(person["name"], person["email"]))
    new_hash = passwords.hash_password(new)
    accounts.lock(user_id)
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=new_hash))
    ended = sign_ins.mark_ended([SignIn.user_id == user_id], "password reset by the operator")
    audit.add(audit.Event.PASSWORD_CHANGE, user_id, by="operator")
    db.session.commit()
    return ended


def sessions(user_id: UUID | None) -> list[dict[str, Any]]:
    """Return the live sign-ins of one person or of everybody with their addresses, newest use first."""
    live = sign_ins.live(user_id)
    query = select(User.id, User.email)
    if user_id is not None:
        query = query.where(User.id == user_id)
    with db.read() as connection:
        emails = {row.id: row.email for row in connection.execute(query)}
    return [{"email": emails[each["user_id"]], **each} for each in live if each["user_id"] in emails]


def end_session(sign_in_id: UUID) -> None:
    """End one sign-in, whoever's it is; commits.

    Raises:
        SignInNotFound: there is no live sign-in of this id.
    """
    if not sign_ins.mark_ended([SignIn.id == sign_in_id], _BY_OPERATOR):
        db.session.rollback()
        raise SignInNotFound
    db.session.commit()


def end_sessions(user_id: UUID | None) -> int:
    """End all sign-ins of one person or of everybody; commits. Returns how many were ended."""
    ended = sign_ins.mark_ended([SignIn.user_id == user_id] if user_id is not None else [], _BY_OPERATOR)
    db.session.commit()
    return ended


_BY_OPERATOR = "ended by the operator"


def _accounts() -> Select[Any]:
    theirs = SignIn.user_id == User.id
    live = select(func.count()).select_from(SignIn).where(theirs, *liveness.alive(utcnow()))
    return select(
        User.id,
        User.email,
        User.name,
        User.timezone,
        User.created_at,
        User.disabled_at,
        live.scalar_subquery().label("sessions"),
        select(func.max(SignIn.last_seen_at)).where(theirs).scalar_subquery().label("last_seen_at"),
    )


def _described(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping, status="disabled" if row.disabled_at else "active")


def _named(account: str) -> ColumnElement[bool]:
    try:
        return User.id == UUID(account)
    except ValueError:
        return User.email_key == addresses.key(account)
