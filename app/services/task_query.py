"""Which tasks a list shows, in which order: the query, and the one grammar in which people type it.

A text is made of terms, and a task has to fit them all::

    milk -bread "exact words" tag:home -tag:work due:<today+7 is:overdue priority:>=medium sort:-priority

Letters with a colon right after them are an operator where a word begins; in quotes nothing is. Addresses
(``https://…``), times (``14:30``) and a colon at the end of a word (``note: x``) are words.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, TypeVar, get_args

from app.models import Priority
from app.services.errors import InvalidInput

Status = Literal["open", "today", "overdue", "completed", "all", "trash"]
Sort = Literal["due", "-due", "priority", "-priority", "created", "-created", "updated", "-updated", "title", "-title"]

#: Each term costs a look at every task the others leave, so there is an end to them.
MAX_TERMS = 20
#: PostgreSQL looks for the best order in which to ask for several tags: 20 take it a tenth of a second.
MAX_TAGS = 8
#: First and last year of a due date.
YEARS = range(1900, 9999)

# Above every due date, below what stands for none.
_UNDATED = "9999"
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS = {word: number for number, name in enumerate(_WEEK) for word in (name, name[:3])}
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<name>[^\W\d]+):(?P<value>\S*)|(?P<word>\S+))')
_COMPARED = re.compile(r"(<=|>=|<|>|=|)(.*)")
_RELATIVE_DATE = re.compile(r"(?P<day>yesterday|today|tomorrow)(?:(?<=today)(?P<shift>[+-][0-9]{1,4}))?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Query:
    """What is asked for; nothing in it depends on the clock any more."""

    #: ``today`` and ``overdue`` are open tasks, and are in ``due_from`` and ``due_before`` too.
    status: Status = "open"
    #: None: in the order that is usual for the status.
    sort: Sort | None = None
    words: tuple[str, ...] = ()
    without_words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    least_priority: int = Priority.NONE
    most_priority: int = Priority.HIGH
    #: The stretch of `Task.due_sort` from the one up to, but without, the other; empty: no limit.
    due_from: str = ""
    due_before: str = ""
    updated_since: datetime | None = None
    #: The minute on the owner's clock that "today" or "overdue" was taken from; None where the clock plays no part.
    as_of: str | None = None

    @property
    def order(self) -> Sort:
        """What comes first: as was asked for, or else what is due, and of what is over and done with the latest."""
        return self.sort or ("-updated" if self.status in ("completed", "trash") else "due")

    @cached_property
    def fingerprint(self) -> str:
        """A short digest of everything that selects and orders tasks.

        The minute itself is not part of it but what became of it: ``due:today`` has another one tomorrow,
        ``is:overdue`` a minute later.
        """
        text = json.dumps(list(vars(replace(self, sort=self.order, as_of=None)).values()), default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def due(self, sign: str, day: date) -> "Query":
        """Return the query narrowed to tasks whose due date compares with the day by the sign: ``< <= > >= =``."""
        this, following = day.isoformat(), (day + timedelta(days=1)).isoformat()
        first = {">=": this, "=": this, ">": following}.get(sign, "")
        end = {"<": this, "<=": following, "=": following}.get(sign, _UNDATED)
        return self.due_between(first, end)

    def priority(self, sign: str, level: int) -> "Query":
        """Return the query narrowed to tasks whose priority compares with the level by the sign."""
        least = {">=": level, "=": level, ">": level + 1}.get(sign, Priority.NONE)
        most = {"<=": level, "=": level, "<": level - 1}.get(sign, Priority.HIGH)
        return replace(
            self, least_priority=max(self.least_priority, least), most_priority=min(self.most_priority, most)
        )

    def due_between(self, first: str = "", end: str = "") -> "Query":
        """Return the query narrowed to a stretch of `Task.due_sort`, without ``end`` itself."""
        ends = [each for each in (self.due_before, end) if each]
        return replace(self, due_from=max(self.due_from, first), due_before=min(ends, default=""))


def minute(now: datetime) -> str:
    """Return the minute in the form of `Task.due_sort`: what is due before it is overdue.

    So a task that has a time is overdue when that minute has passed, another one when its day is over.
    """
    return now.strftime("%Y-%m-%dT%H:%M")


def read(text: str, query: Query, now: datetime) -> Query:
    """Return the query narrowed to what the text says, as seen at ``now`` on the owner's clock.

    ``is:`` and ``sort:`` take the place of the query's own status and order; everything else is added to it.

    Raises:
        InvalidInput: under ``q``; the text is not understood, with the position, from 1, of the term.
    """
    given: set[str] = set()
    for number, term in enumerate(_TERM.finditer(text), 1):
        try:
            if number > MAX_TERMS:
                raise _NotUnderstood(f"a search has at most {MAX_TERMS} terms.")
            name = _operator(term)
            if name in ("is", "sort") and name in given:
                raise _NotUnderstood(f"there is another {name}: before this one. Use one of them.")
            given.add(name)
            query = _plain(term, query) if not name else _OPERATORS[name](term, query, now)
        except _NotUnderstood as error:
            raise InvalidInput(q=f"Position {term.start() + 1}: {error}") from error
    if query.status == "today":
        return replace(query.due("=", now.date()), as_of=minute(now))
    if query.status == "overdue":
        return replace(query.due_between(end=minute(now)), as_of=minute(now))
    return query


class _NotUnderstood(Exception):
    """Why a term is refused."""


def _operator(term: re.Match[str]) -> str:
    """Return the name of the term's operator, empty for a word or a phrase."""
    name, value = (term["name"] or "").lower(), term["value"]
    if name in _OPERATORS:
        if not value:
            raise _NotUnderstood(f"nothing comes after {name}:. Leave no space there, or put quotes around it.")
        if term["minus"] and name != "tag":
            raise _NotUnderstood(f"{name}: cannot be excluded. A - goes before words, phrases and tag:.")
        return name
    if name and value and value[0] not in "/\\":
        raise _NotUnderstood(f"there is no operator {name}:. Use {_KNOWN}, or put quotes around it.")
    return ""


def _plain(term: re.Match[str], query: Query) -> Query:
    text = term["phrase"] if term["phrase"] is not None else term[0].removeprefix(term["minus"])
    if not text.strip():
        return query
    if term["minus"]:
        return replace(query, without_words=_added(query.without_words, text))
    return replace(query, words=_added(query.words, text))


def _tag(term: re.Match[str], query: Query, _: datetime) -> Query:
    name = term["value"].lower()
    if "," in name:
        raise _NotUnderstood("a tag has no commas. Write tag: before each of several.")
    if term["minus"]:
        return replace(query, without_tags=_added(query.without_tags, name))
    query = replace(query, tags=_added(query.tags, name))
    if len(query.tags) > MAX_TAGS:
        raise _NotUnderstood(f"a search has at most {MAX_TAGS} tags.")
    return query


def _due(term: re.Match[str], query: Query, now: datetime) -> Query:
    value = term["value"].lower()
    if value == "none":
        return query.due_between(_UNDATED)
    if value == "any":
        return query.due_between(end=_UNDATED)
    sign, day = _compared(value)
    try:
        query = query.due(sign, _day(day, now.date()))
    except (ValueError, OverflowError) as error:
        raise _NotUnderstood(
            f"due:{term['value']} is no date. Use a date like 2026-11-30, between 1900 and 9998, or today, tomorrow,"
            " yesterday, friday, today+7 or today-7, with <, <=, > or >= before it; or due:none or due:any."
        ) from error
    return query if _ISO_DATE.fullmatch(day) else replace(query, as_of=minute(now))


def _day(text: str, today: date) -> date:
    if word := _RELATIVE_DATE.fullmatch(text):
        day = today + timedelta(days=_DAYS[word["day"]] + int(word["shift"] or 0))
    elif text in _WEEKDAYS:  # after today, which has a name of its own
        day = today + timedelta((_WEEKDAYS[text] - today.weekday() - 1) % 7 + 1)
    elif _ISO_DATE.fullmatch(text):
        day = date.fromisoformat(text)
    else:
        raise ValueError(text)
    if day.year not in YEARS:
        raise ValueError(text)
    return day


def _is(term: re.Match[str], query: Query, _: datetime) -> Query:
    return replace(query, status=_one_of(get_args(Status), term))


def _sort(term: re.Match[str], query: Query, _: datetime) -> Query:
    return replace(query, sort=_one_of(get_args(Sort), term))


def _priority(term: re.Match[str], query: Query, _: datetime) -> Query:
    sign, name = _compared(term["value"].lower())
    levels = {level.name.lower(): int(level) for level in Priority}
    if name not in levels:
        raise _NotUnderstood(f"there is no priority {name}. Use {', '.join(levels)}, with <, <=, > or >= before it.")
    return query.priority(sign, levels[name])


def _compared(value: str) -> tuple[str, str]:
    parts = _COMPARED.fullmatch(value)
    return (parts[1] or "=", parts[2]) if parts else ("=", value)


_Name = TypeVar("_Name", bound=str)


def _one_of(names: tuple[_Name, ...], term: re.Match[str]) -> _Name:
    wanted = term["value"].lower()
    for name in names:
        if name == wanted:
            return name
    raise _NotUnderstood(f"{term['name'].lower()}: does not know {term['value']}. Use one of {', '.join(names)}.")


def _added(before: tuple[str, ...], text: str) -> tuple[str, ...]:
    return before if text in before else (*before, text)


_OPERATORS: dict[str, Callable[[re.Match[str], Query, datetime], Query]] = {
    "tag": _tag,
    "due": _due,
    "is": _is,
    "priority": _priority,
    "sort": _sort,
}
_KNOWN = "tag:, due:, is:, priority: or sort:"
