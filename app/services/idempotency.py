"""Requests that a client may repeat because it lost the answer: carried out once under the key it chose.

draft-ietf-httpapi-idempotency-key-header: the key belongs to one person and one request, and is kept for a day.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select

from app.extensions import db
from app.models import IdempotencyKey, utcnow
from app.services.errors import IdempotencyKeyReused

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Request:
    """A request under a key; ``digest`` is the same for a repetition and for nothing else."""

    key: str
    digest: str


def earlier(user_id: UUID, request: Request | None) -> list[UUID] | None:
    """Return the ids of the tasks that the request was answered with before, or None if it was not carried out yet.

    Call it within the person's unit of work: that holds a second request of the same key until the first is through.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """
    if request is None:
        return None
    mine = (IdempotencyKey.user_id == user_id, IdempotencyKey.key == request.key)
    row = db.session.execute(select(*IdempotencyKey.__table__.c).where(*mine)).one_or_none()
    if row is None:
        return None
    if row.created_at < utcnow() - KEPT:
        db.session.execute(delete(IdempotencyKey).where(*mine))
        return None
    if row.digest != request.digest:
        raise IdempotencyKeyReused
    return [UUID(task_id) for task_id in row.task_ids]


def keep(user_id: UUID, request: Request | None, task_ids: list[UUID]) -> None:
    """Remember, in the caller's transaction, what the request is answered with."""
    if request is not None:
        values = {"user_id": user_id, "key": request.key, "digest": request.digest}
        ids = [str(task_id) for task_id in task_ids]
        db.session.execute(insert(IdempotencyKey).values(task_ids=ids, created_at=utcnow(), **values))
