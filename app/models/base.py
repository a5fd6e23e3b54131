"""What tables share: aware UTC times and identifiers."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import uuid6
from sqlalchemy import DateTime
from sqlalchemy.types import TypeDecorator


class _SQLiteTimestamp(TypeDecorator[datetime]):
    """Naive UTC in the file, aware UTC in Python: SQLite has no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


Timestamp = DateTime(timezone=True).with_variant(_SQLiteTimestamp(), "sqlite")


def utcnow() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def time_ordered_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562 §5.7): ids of one table sort by age, which keeps index inserts cheap."""
    return UUID(int=uuid6.uuid7().int)
