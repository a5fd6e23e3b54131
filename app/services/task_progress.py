"""What a person got done lately."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.extensions import db
from app.models import Task

DAYS = 28


def completed_per_day(user_id: UUID, today: date, timezone: str) -> list[tuple[date, int]]:
    """Return each of the last four weeks' days, ``today`` last, with how many tasks were completed on it.

    Days are those of an IANA time zone, so some have 23 hours and some 25. Tasks in the trash do not count.
    """
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    midnights = [datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC) for day in days]
    since = [func.count().filter(Task.completed_at >= midnight) for midnight in midnights]
    # What was completed was changed then or later: the index of changes leads to it.
    mine = Task.user_id == user_id, Task.updated_at >= midnights[0], Task.deleted_at.is_(None)
    with db.read() as connection:
        totals = [*connection.execute(select(*since).where(*mine)).one(), 0]
    return [(day, totals[place] - totals[place + 1]) for place, day in enumerate(days)]
