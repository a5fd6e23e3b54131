"""Upkeep: what is over and of use to nobody is deleted, a little at a time.

Rows are looked for without a lock and deleted in short transactions with longer pauses between them: on SQLite there is
one writer at a time, and whoever waits for the lock only looks again every tenth of a second.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db
from app.models import (
    BlockedToken,
    DeletedTask,
    IdempotencyKey,
    LoginThrottle,
    MaintenanceRun,
    SecurityEvent,
    SignIn,
    SigningKey,
    Task,
    utcnow,
)
from app.services import idempotency, key_rotation, task_changes, tasks

#: Kinds of rows, in the words of operators.
TOKENS = ("blocked_tokens", "sessions", "signing_keys", "login_throttles")
TASKS = ("deleted_tasks", "idempotency_keys")
ALL = (*TOKENS, *TASKS, "trashed_tasks", "security_events")

_EVERY = timedelta(hours=1)
_SESSIONS_KEPT = timedelta(days=30)
# Leeway lets an expired token pass for a few seconds more: its row must outlive it.
_TOKENS_KEPT = timedelta(minutes=1)

_FOUND_AT_ONCE = 2_000
_BATCH = 500
_SHORTEST_PAUSE = 0.02

_log = structlog.get_logger("maintenance")


def run(kinds: Sequence[str] = ALL, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what is over of the given kinds, in many small transactions; return rows deleted by kind.

    Killed half-way, it has done half; the next run does the rest. ``dry_run`` only counts.
    """
    over = _over(utcnow())
    counts = {}
    for kind in kinds:
        table, condition = over[kind]
        if condition is None:
            counts[kind] = 0
        elif dry_run:
            with db.read() as connection:
                counts[kind] = connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
        else:
            counts[kind] = _purge(table, condition)
    return counts


def run_if_due() -> dict[str, int] | None:
    """Run, unless somebody on any machine has begun to within the last hour: then return None."""
    if not _claim(utcnow()):
        return None
    started = time.monotonic()
    counts = run()
    _log.info("maintenance", **counts, seconds=round(time.monotonic() - started, 1))
    return counts


def _over(now: datetime) -> dict[str, tuple[Any, ColumnElement[bool] | None]]:
    """Return for each kind its table and which of its rows may go; None where all are kept for ever."""
    long_ago = now - _SESSIONS_KEPT
    trash, events = current_app.config["TRASH_KEPT"], current_app.config["EVENTS_KEPT"]
    return {
        "blocked_tokens": (BlockedToken, BlockedToken.expires_at < now - _TOKENS_KEPT),
        "sessions": (
            SignIn,
            or_(SignIn.expires_at < long_ago, SignIn.idle_until < long_ago, SignIn.revoked_at < long_ago),
        ),
        "signing_keys": (SigningKey, SigningKey.kid.in_(key_rotation.dead())),
        "login_throttles": (LoginThrottle, LoginThrottle.expires_at < now),
        "deleted_tasks": (DeletedTask, DeletedTask.deleted_at < now - task_changes.DELETIONS_KEPT),
        "idempotency_keys": (IdempotencyKey, IdempotencyKey.created_at < now - idempotency.KEPT),
        "trashed_tasks": (Task, Task.deleted_at < now - trash if trash else None),
        "security_events": (SecurityEvent, SecurityEvent.created_at < now - events if events else None),
    }


def _purge(table: Any, condition: ColumnElement[bool]) -> int:
    rows_of = table.__table__  # not the class: the ORM would look at each row again
    *owner, key = rows_of.primary_key.columns
    remove: Callable[[UUID, list[Any], ColumnElement[bool]], int] | None
    remove = {Task: tasks.delete_trashed, DeletedTask: task_changes.forget}.get(table)
    removed = before = 0
    while True:
        with db.read() as connection:
            # In an order, so that two runs at once lock accounts in the same.
            found = connection.execute(select(*owner, key).where(condition).limit(_FOUND_AT_ONCE)).all()
        for batch in _batches(sorted(found)):
            started = time.monotonic()
            for user_id, rows in groupby(batch, lambda row: row[0] if owner else None):
                ids = [row[-1] for row in rows]
                if remove and user_id:
                    removed += remove(user_id, ids, condition)
                else:
                    mine = [column == user_id for column in owner]
                    # Whatever somebody holds is for the next run: each could wait for what the other has.
                    free = select(key).where(*mine, key.in_(ids), condition).with_for_update(skip_locked=True)
                    gone = delete(rows_of).where(*mine, key.in_(free))
                    removed += db.session.connection().execute(gone).rowcount
            db.session.commit()
            time.sleep(max(_SHORTEST_PAUSE, 3 * (time.monotonic() - started)))
        if len(found) < _FOUND_AT_ONCE or removed == before:
            return removed
        before = removed


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def _claim(now: datetime) -> bool:
    """Take the hour for this process, in one statement; False if another has it.

    What is more than an hour to come was begun by a clock that was wrong.
    """
    begun = MaintenanceRun.started_at
    with db.read() as connection:
        last = connection.scalar(select(begun))
    if last and now - _EVERY < last <= now + _EVERY:
        return False
    insert = postgresql.insert if db.on_postgresql else sqlite.insert
    taken = db.session.execute(
        insert(MaintenanceRun)
        .values(id=1, started_at=now)
        .on_conflict_do_update(
            index_elements=[MaintenanceRun.id],
            set_={"started_at": now},
            where=or_(begun <= now - _EVERY, begun > now + _EVERY),
        )
        .returning(begun)
    ).one_or_none()
    db.session.commit()
    return taken is not None
