"""Where a page of a list ends: the opaque text from which the next page is asked for."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from app.models import Priority
from app.services.errors import InvalidInput
from app.services.task_query import YEARS, Query

_DAMAGED = "This cursor is damaged; start again without it."


def write(query: Query, key: Any, task_id: UUID) -> str:
    """Return the cursor of what comes after the task with that sort key."""
    text = key.isoformat() if isinstance(key, datetime) else key
    packed = orjson.dumps([query.fingerprint, text, task_id.hex, query.as_of])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read(cursor: str, query: Query) -> tuple[Any, UUID]:
    """Return the sort key and the id of the task after which the page begins.

    Raises:
        InvalidInput: under ``cursor``; it is damaged or came from another list.
    """
    fingerprint, key, task_id, _ = _unpacked(cursor)
    if fingerprint != query.fingerprint:
        raise InvalidInput(cursor="This cursor belongs to a list with other filters; start again without it.")
    try:
        return _sort_key(key, query.order.removeprefix("-")), UUID(task_id)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidInput(cursor=_DAMAGED) from error


def seen_at(cursor: str | None, timezone: str) -> datetime:
    """Return the time on the owner's clock at which a list is to be seen.

    That is now, but for a page whose first page said "today" or "overdue" what it was then: the pages of a list fit
    together over midnight too.

    Raises:
        InvalidInput: under ``cursor``; it is damaged.
    """
    zone = ZoneInfo(timezone)
    as_of = _unpacked(cursor)[3] if cursor is not None else None
    if as_of is None:
        return datetime.now(zone)
    try:
        moment = datetime.strptime(as_of, "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
    except (ValueError, TypeError) as error:
        raise InvalidInput(cursor=_DAMAGED) from error
    if moment.year not in YEARS:
        raise InvalidInput(cursor=_DAMAGED)
    return moment


def _unpacked(cursor: str) -> tuple[Any, Any, Any, Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        fingerprint, key, task_id, as_of = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise InvalidInput(cursor=_DAMAGED) from error
    return fingerprint, key, task_id, as_of


def _sort_key(key: Any, column: str) -> Any:
    """Return the key as the column has it.

    Raises:
        ValueError: the column cannot have it; TypeError and OverflowError may be raised too.
    """
    if column in ("created", "updated"):
        return datetime.fromisoformat(key).astimezone(UTC)
    if column == "priority":
        if type(key) is not int:
            raise TypeError(key)
        return int(Priority(key))
    if not isinstance(key, str) or "\0" in key or (column == "due" and not (len(key) == 16 and key.isprintable())):
        raise ValueError(key)
    key.encode()  # no database takes half a surrogate pair
    return key
