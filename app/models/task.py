"""Tasks, their tags, and what is kept so that programs can follow and repeat changes."""

import unicodedata
from datetime import date, datetime, time
from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from app.database import Base
from app.models.base import Timestamp, time_ordered_id, utcnow

#: Sorts after every real due date, in any collation.
NO_DUE_DATE = "9999-12-31T99:99"


_SORTED = 100
# PostgreSQL's own order depends on how its cluster was made; this one is SQLite's, and Python's.
_ByCodePoint = String(_SORTED).with_variant(String(_SORTED, collation="C"), "postgresql")


class _Former(TypeDecorator[dict[str, Any]]):
    """Values of columns of `Task` by name, as JSON; without a value NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Any) -> dict[str, Any] | None:
        return value and {name: str(each) if isinstance(each, date | time) else each for name, each in value.items()}

    def process_result_value(self, value: dict[str, Any] | None, dialect: Any) -> dict[str, Any] | None:
        return value and {name: _read(Task.__table__.c[name].type.python_type, each) for name, each in value.items()}


def _read(kind: Any, value: Any) -> Any:
    return kind.fromisoformat(value) if value is not None and issubclass(kind, date | time) else value


class Priority(IntEnum):
    """How a task ranks; stored as the number, spoken of by name."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


_TRASHED = "deleted_at IS NOT NULL"


class Task(Base):
    """Something one person wants done; nobody else can see it."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index(None, "user_id", "due_sort", "id"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "user_id", "updated_at", "id"),
        Index(None, "user_id", "priority", "id"),
        Index(None, "user_id", "title_sort", "id"),
        Index(None, "user_id", "rev", "id"),
        Index(None, "deleted_at", sqlite_where=text(_TRASHED), postgresql_where=text(_TRASHED)),
    )

    #: Ids are unique for each person only: the client may choose them, and must not learn of other people's.
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=time_ordered_id)
    title: Mapped[str] = mapped_column(String(500))
    #: `title_sort_key` of the title.
    title_sort: Mapped[str] = mapped_column(_ByCodePoint)
    notes: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[int] = mapped_column(SmallInteger, default=Priority.NONE)
    #: Calendar date and wall-clock time in the owner's zone, never an instant.
    due_date: Mapped[date | None]
    due_time: Mapped[time | None]
    #: `due_sort_key` of the two above; stored, since paging over an expression does not seek on SQLite.
    due_sort: Mapped[str] = mapped_column(String(16), default=NO_DUE_DATE)
    #: Names in the order given; `TaskTag` holds the same names for searching.
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    #: NULL: open.
    completed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: NULL: not in the trash.
    deleted_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: The owner's `User.rev` at the last write.
    rev: Mapped[int] = mapped_column(BigInteger)
    #: What the last write replaced, by column, so that it can be undone; empty: it made the task. NULL: it cannot be.
    former: Mapped[dict[str, Any] | None] = mapped_column(_Former)


class TaskTag(Base):
    """One tag on one task, indexed by owner and name."""

    __tablename__ = "task_tags"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], ondelete="CASCADE"),
        Index(None, "user_id", "name", "task_id"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), primary_key=True)


class DeletedTask(Base):
    """A task that was deleted for good, remembered for the devices that have a copy."""

    __tablename__ = "deleted_tasks"
    __table_args__ = (Index(None, "user_id", "rev", "id"), Index(None, "deleted_at"))

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The owner's `User.rev` at the deletion.
    rev: Mapped[int] = mapped_column(BigInteger)
    deleted_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)


class IdempotencyKey(Base):
    """A request that was carried out under a client's key, so that its repetition is not."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    #: As the client sent it; of a form on a page, its digest.
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    #: SHA-256 of what was sent: the same key on another request is a mistake.
    digest: Mapped[str] = mapped_column(String(64))
    #: Ids of the tasks it answered with, in order.
    task_ids: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)


class CalendarFeed(Base):
    """The private address at which a calendar program reads a person's tasks."""

    __tablename__ = "calendar_feeds"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    #: SHA-256 of the secret part of the address, which has 256 random bits.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)


def due_sort_key(due_date: date | None, due_time: time | None) -> str:
    """Return the text that orders tasks by due date, then time; a date without time comes last on its day."""
    if due_date is None:
        return NO_DUE_DATE
    return f"{due_date.isoformat()}T{due_time:%H:%M}" if due_time else f"{due_date.isoformat()}T24:00"


def title_sort_key(title: str) -> str:
    """Return the text that orders tasks by title, whatever its case and the width of its letters."""
    return unicodedata.normalize("NFKC", title).casefold()[:_SORTED]
