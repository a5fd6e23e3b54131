"""Tasks as people have them, invented."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from typing import Any

from app.models import Priority

_PEOPLE = ("Ana", "Jürgen", "Mei", "Zoë", "Tomasz", "Priya", "Dr. Okafor", "the landlord", "Mum", "the dentist")
_PROJECTS = ("website", "quarterly report", "budget", "newsletter", "onboarding guide", "release notes", "survey")
_ROOMS = ("kitchen", "bathroom", "hallway", "garage", "balcony", "study")

#: What to do, with a word to put in, and the tags that go with it.
_PATTERNS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Call {} back", _PEOPLE, ("calls",)),
    ("Write to {} about the dates", _PEOPLE, ("mail",)),
    ("Find a birthday present for {}", _PEOPLE, ("family", "errands")),
    ("Thank {} for the help", _PEOPLE, ("calls", "family")),
    ("Review the draft of the {}", _PROJECTS, ("work", "review")),
    ("Send the numbers for the {}", _PROJECTS, ("work", "mail")),
    ("Plan the next steps of the {}", _PROJECTS, ("work",)),
    ("Prepare slides: {}", _PROJECTS, ("work", "meeting")),
    ("Tidy up the {}", _ROOMS, ("home",)),
    ("Replace the bulb in the {}", _ROOMS, ("home", "errands")),
    ("Measure the {} for shelves", _ROOMS, ("home", "diy")),
    ("Buy {}", ("coffee", "stamps", "printer paper", "cat food", "light bulbs", "tea"), ("errands", "shopping")),
    ("Pay the {} bill", ("electricity", "water", "internet", "phone", "insurance"), ("money",)),
    ("Renew {}", ("the passport", "the library card", "the domain", "the bus pass"), ("admin",)),
    ("Book {}", ("train tickets", "a hotel in Porto", "a table at Café Lumière", "a check-up"), ("travel",)),
    ("Read {}", ("the contract", "chapter 4", "the meeting notes", "that article on tides"), ("reading",)),
    ("Practise {}", ("Portuguese", "the cello piece", "juggling"), ("learning",)),
    ("Repot {}", ("the basil", "the ficus", "the tomatoes"), ("garden",)),
)  # fmt: skip

_NOTES = (
    "Ask about the delivery date first.",
    "Bring:\n- ID card\n- last year's papers\n- a pen that works",
    "They are in from 9 to 12, except on Wednesdays.",
    "Second try; the first one bounced.",
    "See https://example.org/howto for the steps.",
    "Half an hour should be enough.",
)

# Days from today: late, today, this week, later, whenever.
_DUE = (range(-9, 0), range(1), range(1, 8), range(8, 60), None)
_DUE_WEIGHTS = (3, 2, 5, 4, 6)
_PRIORITIES = tuple(Priority)
_PRIORITY_WEIGHTS = (10, 3, 4, 2)
# Dealt in this order, so that even a dozen tasks have some of each.
_FATES = ("open", "open", "completed", "open", "trash", "open", "completed", "open", "open", "completed")


def invented(now: datetime) -> Iterator[dict[str, Any]]:
    """Yield tasks without end, as `app.services.bulk.create_many` takes them.

    Args:
        now: the present in the owner's time zone; due dates lie around its day.
    """
    chance = random.Random()  # noqa: S311 - nothing secret
    things = [(text.format(word), tags) for text, words, tags in _PATTERNS for word in words]
    chance.shuffle(things)
    for (title, tags), fate in zip(cycle(things), cycle(_FATES), strict=False):
        yield {"title": title, "tags": [*tags], **_details(chance), **_due(chance, now), **_past(chance, now, fate)}


def _details(chance: random.Random) -> dict[str, Any]:
    return {
        "notes": chance.choice(_NOTES) if chance.random() < 0.3 else "",
        "priority": chance.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0],
    }


def _due(chance: random.Random, now: datetime) -> dict[str, Any]:
    days = chance.choices(_DUE, _DUE_WEIGHTS)[0]
    if days is None:
        return {}
    at = time(chance.randrange(8, 20), chance.choice((0, 15, 30, 45))) if chance.random() < 0.3 else None
    return {"due_date": now.date() + timedelta(days=chance.choice(days)), "due_time": at}


def _past(chance: random.Random, now: datetime, fate: str) -> dict[str, Any]:
    written = now.astimezone(UTC) - timedelta(minutes=chance.randrange(10, 60 * 24 * 60))
    changed = written + (now - written) * chance.random()
    return {
        "created_at": written,
        "updated_at": written if fate == "open" else changed,
        "completed_at": changed if fate == "completed" else None,
        "deleted_at": changed if fate == "trash" else None,
    }
