"""The private address at which a calendar program reads a person's open tasks: make, revoke, follow."""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select

from app.extensions import db
from app.models import CalendarFeed, User
from app.services import accounts, audit, export
from app.services.errors import FeedNotFound
from app.services.liveness import Principal
from app.services.task_query import Query
from app.services.task_rows import TaskRow


@dataclass(frozen=True)
class Reader:
    """Whose tasks an address leads to, and what decides how they look."""

    user_id: UUID
    rev: int
    timezone: str


def make(who: Principal) -> str:
    """Return a new secret for the person's address; the one before is dead at once. Commits.

    It is known to nobody afterwards: only its digest is kept.

    Raises:
        UserNotFound: the account was deleted in the meantime.
    """
    secret = secrets.token_urlsafe(32)
    accounts.lock(who.user_id)  # two that make an address at once do so one after the other
    db.session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == who.user_id))
    db.session.execute(insert(CalendarFeed).values(user_id=who.user_id, digest=_digest(secret)))
    audit.add(audit.Event.FEED_CREATED, who.user_id, who.sign_in_id)
    db.session.commit()
    return secret


def revoke(who: Principal) -> None:
    """End the person's address, if there is one; commits.

    Raises:
        UserNotFound: the account was deleted in the meantime.
    """
    accounts.lock(who.user_id)
    gone = delete(CalendarFeed).where(CalendarFeed.user_id == who.user_id).returning(CalendarFeed.user_id)
    if db.session.scalar(gone) is not None:
        audit.add(audit.Event.FEED_REVOKED, who.user_id, who.sign_in_id)
    db.session.commit()


def made_at(user_id: UUID) -> datetime | None:
    """Return since when the person has an address; None without one."""
    with db.read() as connection:
        return connection.execute(
            select(CalendarFeed.created_at).where(CalendarFeed.user_id == user_id)
        ).scalar_one_or_none()


def reader(secret: str) -> Reader:
    """Return whose address has this secret.

    What is looked up is the digest, so how long it takes says nothing about any secret.

    Raises:
        FeedNotFound: nobody's, or that of a disabled account.
    """
    query = (
        select(User.id, User.rev, User.timezone)
        .join(CalendarFeed, CalendarFeed.user_id == User.id)
        .where(CalendarFeed.digest == _digest(secret), User.disabled_at.is_(None))
    )
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise FeedNotFound
    return Reader(*row)


def open_and_due(user_id: UUID) -> Iterator[list[TaskRow]]:
    """Yield the person's open tasks that have a due date, by that date, some hundred at a time."""
    for page in export.pages(user_id, Query(status="open", sort="due")):
        dated = [task for task in page.items if task["due_date"] is not None]
        yield dated
        if len(dated) < len(page.items):
            return  # those without a date come last


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
