"""The security event log: one call writes the row, the JSON log line and the counter."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, bindparam, insert, or_, select
from structlog.contextvars import get_contextvars

from app.database import UnitOfWork
from app.extensions import db
from app.models import SecurityEvent, User, time_ordered_id, utcnow
from app.services import devices, metrics

_log = structlog.get_logger("security")


class Event(StrEnum):
    """Names from the OWASP logging vocabulary, or in its manner where it has none."""

    LOGIN_SUCCESS = "authn_login_success"
    #: The first success after one failure or more.
    LOGIN_SUCCESS_AFTER_FAIL = "authn_login_successafterfail"
    LOGIN_FAIL = "authn_login_fail"
    #: The password was asked for again within a sign-in (ASVS 7.5).
    REAUTHENTICATION = "authn_reauthentication_success"
    REAUTHENTICATION_FAIL = "authn_reauthentication_fail"
    REAUTHENTICATION_REQUIRED = "authn_reauthentication_required"
    LOGIN_LOCK = "authn_login_lock"
    PASSWORD_CHANGE = "authn_password_change"
    PASSWORD_CHANGE_FAIL = "authn_password_change_fail"
    EMAIL_CHANGE = "authn_email_change"
    CLIENT_FAIL = "authn_client_fail"
    #: A token that is none, not good any more, or was never good here.
    TOKEN_FAIL = "authn_token_fail"
    TOKEN_REVOKED = "authn_token_revoked"
    TOKEN_REUSE = "authn_token_reuse"
    AUTHZ_FAIL = "authz_fail"
    ADMIN = "authz_admin"
    SCOPE_FAIL = "authz_scope_fail"
    CSRF = "malicious_csrf"
    SESSION_RENEWED = "session_renewed"
    RATE_LIMIT_EXCEEDED = "excess_rate_limit_exceeded"
    SESSION_ENDED = "session_logout"
    #: Everything was exported.
    SENSITIVE_READ = "sensitive_read"
    FEED_CREATED = "feed_created"
    FEED_REVOKED = "feed_revoked"
    USER_CREATED = "user_created"
    USER_UPDATED = "user_updated"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"


#: How a sign-in can come out.
LOGINS = (Event.LOGIN_SUCCESS, Event.LOGIN_SUCCESS_AFTER_FAIL, Event.LOGIN_FAIL)

for _event in Event:
    # From the start at zero, so that the first one of a kind shows as an increase.
    metrics.event(_event.value)


# Made once, the one that adds of the table: the ORM takes longer to add a row than the database.
_ADD = insert(db.metadata.tables[SecurityEvent.__tablename__])
_LATEST_LOGIN = (
    select(SecurityEvent.event)
    .where(SecurityEvent.user_id == bindparam("user"), or_(*(SecurityEvent.event == each.value for each in LOGINS)))
    .order_by(SecurityEvent.user_id.desc(), SecurityEvent.id.desc())
    .limit(1)
)


def add(
    event: Event,
    user_id: UUID | None = None,
    sign_in_id: UUID | None = None,
    work: UnitOfWork = db.in_session,
    **detail: object,
) -> None:
    """Write an event as part of the caller's unit of work, which the caller commits.

    Address, request id and device come from the request's structlog context. ``detail`` must hold JSON values and never
    a token, a password or what somebody typed.
    """
    context = get_contextvars()
    values = {
        "id": time_ordered_id(),
        "created_at": utcnow(),
        "event": event.value,
        "user_id": user_id,
        "sign_in_id": sign_in_id,
        "ip": context.get("ip", ""),
        "request_id": context.get("request_id", ""),
        "device": devices.current(),
        "detail": detail,
    }
    work.execute_later(_ADD, values)
    note(event, user_id, sign_in_id, **detail)


def note(event: Event, user_id: UUID | None = None, sign_in_id: UUID | None = None, **detail: object) -> None:
    """Log and count an event without a row, for what happens so often that it would bury the rest of the list."""
    _log.info(event, user_id=user_id and str(user_id), sign_in_id=sign_in_id and str(sign_in_id), **detail)
    metrics.event(event.value).inc()
    if event in LOGINS:
        metrics.sign_in("refused" if event is Event.LOGIN_FAIL else "succeeded").inc()


def record(event: Event, user_id: UUID | None = None, sign_in_id: UUID | None = None, **detail: object) -> None:
    """Write an event and commit, with whatever else is under way in the session."""
    add(event, user_id, sign_in_id, db.in_session, **detail)
    db.session.commit()


def last_login_failed(user_id: UUID, work: UnitOfWork) -> bool:
    """Tell whether the latest attempt to sign in to the account was refused."""
    return any(event == Event.LOGIN_FAIL for (event,) in work.execute(_LATEST_LOGIN, {"user": user_id}))


@dataclass(frozen=True)
class Page:
    """Events of one page, and the cursor of the next or None after the last."""

    items: list[dict[str, Any]]
    next_cursor: UUID | None


def events_of(user_id: UUID, cursor: UUID | None, limit: int) -> Page:
    """Return one page of the person's events, newest first; the cursor is the id of the last one already seen."""
    columns = (
        SecurityEvent.id,
        SecurityEvent.created_at,
        SecurityEvent.event,
        SecurityEvent.sign_in_id,
        SecurityEvent.ip,
        SecurityEvent.device,
    )
    # Leading the order with user_id keeps PostgreSQL from walking the primary key through everybody's rows.
    query = select(*columns).where(SecurityEvent.user_id == user_id)
    if cursor is not None:
        query = query.where(SecurityEvent.id < cursor)
    query = query.order_by(SecurityEvent.user_id.desc(), SecurityEvent.id.desc()).limit(limit + 1)
    with db.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]
    return Page(rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None)


def events(user_id: UUID | None, event: str | None, limit: int) -> list[dict[str, Any]]:
    """Return, for the operator, the newest events of one person or of all, newest first; ``event`` keeps one kind."""
    columns = (
        SecurityEvent.id,
        SecurityEvent.created_at,
        SecurityEvent.event,
        SecurityEvent.user_id,
        User.email,
        SecurityEvent.sign_in_id,
        SecurityEvent.ip,
        SecurityEvent.device,
        SecurityEvent.request_id,
        SecurityEvent.detail,
    )
    query = select(*columns).outerjoin(User, User.id == SecurityEvent.user_id)
    order: list[ColumnElement[Any]] = [SecurityEvent.id.desc()]
    if user_id is not None:
        query = query.where(SecurityEvent.user_id == user_id)
        order.insert(0, SecurityEvent.user_id.desc())
    if event is not None:
        query = query.where(SecurityEvent.event == event)
    with db.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query.order_by(*order).limit(limit))]
