"""Sign-ins: start, list, end. The row is the root of trust of every token that names it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.contextvars import get_contextvars

from app.database import UnitOfWork
from app.extensions import db
from app.models import SignIn, time_ordered_id, utcnow
from app.services import audit, devices
from app.services.errors import InvalidToken, SignInNotFound
from app.services.liveness import Principal, alive
from app.services.scopes import ALL_SCOPES

_SEEN_AT_MOST_EVERY = timedelta(minutes=1)


def touch(who: Principal) -> None:
    """Note that the sign-in was seen now, if the last note is over a minute old and can be written at once; commits.

    Whatever holds it up is no reason to keep waiting, or to refuse, what may only want to read.
    """
    now = utcnow()
    if now - who.last_seen_at < _SEEN_AT_MOST_EVERY:
        return
    ip = get_contextvars().get("ip", "")
    stale = SignIn.last_seen_at < now - _SEEN_AT_MOST_EVERY
    free = select(SignIn.id).where(SignIn.id == who.sign_in_id, stale).with_for_update(skip_locked=True)
    with suppress(DBAPIError, PoolTimeout), db.read() as connection:
        if not db.on_postgresql:
            connection.detach()  # whoever gets the pool's next one waits for whoever is writing
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        connection.execute(update(SignIn).where(SignIn.id.in_(free)).values(last_seen_at=now, ip=ip))


def start(
    user_id: UUID, kind: str, client_id: str, scope: str = ALL_SCOPES, work: UnitOfWork = db.in_session
) -> SimpleNamespace:
    """Add a sign-in for the device that is asking to the caller's unit of work, with its event."""
    failed_before = audit.last_login_failed(user_id, work)
    sign_in = _add(user_id, kind, client_id, scope, utcnow(), work)
    event = audit.Event.LOGIN_SUCCESS_AFTER_FAIL if failed_before else audit.Event.LOGIN_SUCCESS
    audit.add(event, user_id, sign_in.id, work, kind=kind)
    return sign_in


def replace(who: Principal, auth_time: datetime) -> SimpleNamespace:
    """End the sign-in of who is asking and add one like it, in a transaction that has locked the account.

    All tokens of the old one are dead, whoever has copies of them (ASVS 7.2.4). Nobody signed out, so there is no
    event; the caller writes one about what was done, with the id of the new sign-in.

    Raises:
        InvalidToken: it was ended in the meantime.
    """
    old = db.session.execute(
        update(SignIn)
        .where(SignIn.id == who.sign_in_id, *alive(utcnow()))
        .values(revoked_at=utcnow(), revoke_reason="replaced")
        .returning(SignIn.kind, SignIn.client_id, SignIn.scope)
    ).one_or_none()
    if old is None:
        db.session.rollback()
        raise InvalidToken
    return _add(who.user_id, old.kind, old.client_id, old.scope, auth_time, db.in_session)


def live(user_id: UUID | None) -> list[dict[str, Any]]:
    """Return the live sign-ins of one person, or of everybody (for the operator), newest use first."""
    columns = (
        SignIn.id,
        SignIn.user_id,
        SignIn.kind,
        SignIn.client_id,
        SignIn.label,
        SignIn.user_agent,
        SignIn.ip,
        SignIn.created_at,
        SignIn.last_seen_at,
        SignIn.idle_until,
        SignIn.expires_at,
    )
    query = select(*columns).where(*alive(utcnow())).order_by(SignIn.last_seen_at.desc(), SignIn.id)
    if user_id is not None:
        query = query.where(SignIn.user_id == user_id)
    with db.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def count_live() -> int:
    """Return how many sign-ins are alive, everybody's together."""
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(SignIn).where(*alive(utcnow()))).scalar_one()


def end(user_id: UUID, sign_in_id: UUID, reason: str) -> None:
    """End one of the person's sign-ins: all its tokens are dead at once, everywhere; commits.

    Raises:
        SignInNotFound: the person has no live sign-in of this id.
    """
    if not mark_ended([SignIn.user_id == user_id, SignIn.id == sign_in_id], reason):
        db.session.rollback()
        raise SignInNotFound
    db.session.commit()


def end_others(user_id: UUID, keep: UUID) -> int:
    """End every sign-in of the person but one; commits. Returns how many were ended."""
    ended = mark_ended([SignIn.user_id == user_id, SignIn.id != keep], "signed out from another device")
    db.session.commit()
    return ended


def lock(user_id: UUID) -> None:
    """Lock all the person's sign-ins in the caller's transaction, in the order of their ids, as `mark_ended` does.

    For who is going to delete them: whoever ends several holds those that were ended meanwhile, too, while it waits.
    """
    every = select(SignIn.id).where(SignIn.user_id == user_id).order_by(SignIn.id).with_for_update()
    db.session.execute(every).all()


def mark_ended(which: Sequence[ColumnElement[bool]], reason: str) -> int:
    """End the live sign-ins that match, with an event each, in the caller's transaction; return how many."""
    now = utcnow()
    # In the order of their ids: two who end the same sign-ins in different orders would wait for each other.
    locked = select(SignIn.id).where(*which, *alive(now)).order_by(SignIn.id).with_for_update()
    ended = db.session.execute(
        update(SignIn)
        .where(SignIn.id.in_(locked))
        .values(revoked_at=now, revoke_reason=reason)
        .returning(SignIn.id, SignIn.user_id)
    ).all()
    for row in ended:
        audit.add(audit.Event.SESSION_ENDED, row.user_id, row.id, reason=reason)
    return len(ended)


def _add(
    user_id: UUID, kind: str, client_id: str, scope: str, auth_time: datetime, work: UnitOfWork
) -> SimpleNamespace:
    now, context = utcnow(), get_contextvars()
    values = {
        "id": time_ordered_id(),
        "user_id": user_id,
        "kind": kind,
        "client_id": client_id,
        "scope": scope,
        "label": devices.current(),
        "user_agent": context.get("user_agent", ""),
        "ip": context.get("ip", ""),
        "created_at": now,
        "last_seen_at": now,
        "auth_time": auth_time,
        "seq": 0,
        "rotated_at": now,
        "idle_until": now + current_app.config["REFRESH_IDLE"],
        "expires_at": now + current_app.config["REFRESH_ABSOLUTE"],
        "revoked_at": None,
        "revoke_reason": None,
    }
    work.execute_later(_ADD, values)
    return SimpleNamespace(**values)


# Of the table, and made once: the ORM takes longer to add a row than the database.
_ADD = insert(db.metadata.tables[SignIn.__tablename__])
