"""Due dates in words, as seen from the person's own calendar."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.models import due_sort_key
from app.services.task_query import minute
from app.services.task_rows import TaskRow

NO_DATE = "No date"


@dataclass(frozen=True)
class Due:
    """When a task is due: in words, for machines, whether it is late, and the section of the list it belongs in."""

    text: str
    iso: str
    overdue: bool
    section: str


def describe(task: TaskRow, now: datetime) -> Due | None:
    """Return when the task is due as seen at ``now`` in the person's zone; None without a due date."""
    day, time = task["due_date"], task["due_time"]
    if day is None:
        return None
    today = now.date()
    overdue = task["completed_at"] is None and due_sort_key(day, time) < minute(now)
    text = _day(day, today)
    if overdue:
        text = f"Overdue: {text[0].lower()}{text[1:]}"
    iso = day.isoformat()
    if time is not None:
        text += f", {time:%H:%M}"
        iso += f"T{time:%H:%M}"
    return Due(text, iso, overdue, "Overdue" if overdue else _section(day, today))


def _day(day: date, today: date) -> str:
    match (day - today).days:
        case -1:
            return "Yesterday"
        case 0:
            return "Today"
        case 1:
            return "Tomorrow"
        case distance if 1 < distance < 7:
            return f"{day:%A}"
    return f"{day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b %Y}"


def _section(day: date, today: date) -> str:
    if day <= today:
        return "Today"
    if day == today + timedelta(days=1):
        return "Tomorrow"
    return "Next 7 days" if day <= today + timedelta(days=7) else "Later"
