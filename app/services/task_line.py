"""A new task in one line: what the grammar of searches says in it becomes fields."""

import re
from datetime import date, datetime
from typing import Any

from app.models import Priority
from app.services import task_query
from app.services.errors import InvalidInput
from app.services.task_query import Query

_WORD = re.compile(r"(?<!\S)(?:tag|due|priority):\S+", re.IGNORECASE)


def read(line: str, now: datetime) -> dict[str, Any]:
    """Return the title, and tags, priority (its name) and due_date, whichever the line has, as seen at ``now``.

    ``Buy milk tag:home due:tomorrow priority:high``: the words mean what they mean in a search, the last one of a kind
    counts, tags add up. A word that does not name one tag, day or priority stays in the title, as does one in quotes;
    if no other words are left, all of them do.
    """
    found: dict[str, Any] = {}

    def take(word: re.Match[str]) -> str:
        match _field(word[0], now):
            case None:
                return word[0]
            case "tags", names:
                found["tags"] = list(dict.fromkeys((*found.get("tags", ()), *names)))
            case name, value:
                found[name] = value
        return ""

    title = " ".join(_WORD.sub(take, line).split())
    return found | {"title": title} if found and title else {"title": line}


def _field(word: str, now: datetime) -> tuple[str, Any] | None:
    try:
        query = task_query.read(word, Query(), now)
    except InvalidInput:
        return None
    if query.tags:
        return "tags", query.tags
    if query.least_priority == query.most_priority:
        return "priority", Priority(query.least_priority).name.lower()
    if len(query.due_from) == len("2026-11-03"):
        day = date.fromisoformat(query.due_from)
        if query.due_before == Query().due("=", day).due_before:
            return "due_date", day
    return None
