"""Tasks as iCalendar (RFC 5545): events for calendars that are looked at, to-dos for programs that manage tasks."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from icalendar import Calendar, Component, Event, Todo

from app.models import Priority
from app.services.task_rows import TaskRow

MIMETYPE = "text/calendar"

# RFC 5545 §3.8.1.9: 1 is the highest, 5 the middle, 9 the lowest.
_PRIORITIES = {Priority.HIGH: 1, Priority.MEDIUM: 5, Priority.LOW: 9}


def events(pieces: Iterable[list[TaskRow]], timezone: str) -> Iterator[bytes]:
    """Yield a calendar with an event for each task, all of which have a due date.

    Events, since the calendars people subscribe with show no to-dos; transparent, since a due date is not busy time.
    """
    return _calendar(pieces, timezone, _event)


def todos(pieces: Iterable[list[TaskRow]], timezone: str) -> Iterator[bytes]:
    """Yield a calendar with a to-do for each task, completed and undated ones included."""
    return _calendar(pieces, timezone, _todo)


def _calendar(pieces: Iterable[list[TaskRow]], timezone: str, make: Any) -> Iterator[bytes]:
    calendar = Calendar()
    calendar.add("PRODID", "-//Taskward//Taskward//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", "Taskward")
    calendar.add("REFRESH-INTERVAL", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    head, end = calendar.to_ical().split(b"END:VCALENDAR")
    zone = ZoneInfo(timezone)
    for piece in pieces:
        yield head + b"".join(make(task, zone).to_ical() for task in piece)
        head = b""
    yield head + b"END:VCALENDAR" + end


def _event(task: TaskRow, zone: ZoneInfo) -> Component:
    event = _described(Event(), task)
    event.add("DTSTART", _due(task, zone))
    event.add("TRANSP", "TRANSPARENT")
    return event


def _todo(task: TaskRow, zone: ZoneInfo) -> Component:
    todo = _described(Todo(), task)
    if task["due_date"] is not None:
        todo.add("DUE", _due(task, zone))
    if task["completed_at"] is None:
        todo.add("STATUS", "NEEDS-ACTION")
    else:
        todo.add("STATUS", "COMPLETED")
        todo.add("COMPLETED", _whole_seconds(task["completed_at"]))
    return todo


def _described(component: Component, task: TaskRow) -> Component:
    changed = _whole_seconds(task["updated_at"])
    component.add("UID", str(task["id"]))
    component.add("DTSTAMP", changed)
    component.add("CREATED", _whole_seconds(task["created_at"]))
    component.add("LAST-MODIFIED", changed)
    component.add("SUMMARY", " ".join(task["title"].splitlines()))
    if task["notes"]:
        component.add("DESCRIPTION", "\n".join(task["notes"].splitlines()))
    if task["tags"]:
        component.add("CATEGORIES", task["tags"])
    if task["priority"] != Priority.NONE:
        component.add("PRIORITY", _PRIORITIES[task["priority"]])
    component.add("URL", f"{current_app.config['PUBLIC_URL']}/tasks/{task['id']}")
    return component


def _due(task: TaskRow, zone: ZoneInfo) -> Any:
    """Return a calendar date, or the instant at which the person's clock shows the due time."""
    if task["due_time"] is None:
        return task["due_date"]
    return datetime.combine(task["due_date"], task["due_time"], zone).astimezone(UTC)


def _whole_seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
