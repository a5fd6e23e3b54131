"""Tasks as CSV (RFC 4180) and as todo.txt (http://todotxt.org), written and read."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from app.services.errors import InvalidInput
from app.services.task_rows import TaskRow
from app.tasks.exported import exported

#: In the order of the columns.
CSV_FIELDS: tuple[str, ...]
CSV_FIELDS = ("id", "title", "notes", "priority", "due_date", "due_time", "tags", "completed_at", "deleted_at")
CSV_FIELDS += ("created_at", "updated_at")

# A spreadsheet may run what begins like this (OWASP, "CSV Injection"); full-width forms count in some.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_LETTERS = {"high": "A", "medium": "B", "low": "C"}
_PRIORITIES = {letter: name for name, letter in _LETTERS.items()}
_TODO = re.compile(r"(?:(x) )?(?:\(([A-Z])\) )?((?:[0-9]{4}-[0-9]{2}-[0-9]{2} ){0,2})(.*)", re.DOTALL)
_PAIR = re.compile(r"(id|due|time|pri):(\S+)")


def to_csv(pieces: Iterable[list[TaskRow]]) -> Iterator[str]:
    """Yield the tasks as CSV with a header, some lines at a time.

    A text that a spreadsheet could take for a formula, or that begins with an apostrophe, gets an apostrophe in front;
    `from_csv` takes one off.
    """
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer)
    table.writerow(CSV_FIELDS)
    for piece in pieces:
        for task in piece:
            shown = exported(task)
            shown["tags"] = " ".join(shown["tags"])
            table.writerow([_guarded(shown[name]) for name in CSV_FIELDS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def from_csv(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield for each line of a table, whose first names the columns, its place and what it says about a task.

    Raises:
        InvalidInput: it is no table with a title in it.
    """
    # Without newline="" the csv module would change line breaks within cells.
    table = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = next(table, [])
        if unknown := [name for name in names if name not in CSV_FIELDS]:
            cure = " Separate columns with commas." if ";" in unknown[0] or "\t" in unknown[0] else ""
            raise InvalidInput(**{"line/1": f"There is no column {unknown[0][:50]!r} in a table of tasks.{cure}"})
        if "title" not in names or len(set(names)) < len(names):
            raise InvalidInput(**{"line/1": "The first line must name each column once, and title among them."})
        for cells in table:
            place = f"line/{table.line_num}"
            if len(cells) not in (0, len(names)):
                raise InvalidInput(**{place: f"This line has {len(cells)} cells, the first one {len(names)}."})
            if cells:
                yield place, _from_cells(dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise InvalidInput(**{f"line/{table.line_num}": "This is not CSV as RFC 4180 has it."}) from error


def to_todo_txt(pieces: Iterable[list[TaskRow]], timezone: str) -> Iterator[str]:
    """Yield the tasks as lines of todo.txt; the notes are left out, which have no place there."""
    zone = ZoneInfo(timezone)
    for piece in pieces:
        yield "".join(f"{' '.join(_todo_words(task, zone))}\n" for task in piece)


def from_todo_txt(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield for each line its place and what it says about a task; the dates before the title are not taken over."""
    # Not splitlines(): it would cut at characters that titles may hold.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        match = _TODO.fullmatch(line.strip())
        if match and line.strip():
            done, letter, _, rest = match.groups()
            yield f"line/{number}", _from_words(rest.split(" "), letter) | {"completed": bool(done)}


def _guarded(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith((*_FORMULA, "'")) else value


def _unguarded(text: str) -> str:
    return text[1:] if _guarded(text[1:]) == text else text


def _from_cells(cells: dict[str, str]) -> dict[str, Any]:
    task: dict[str, Any] = {name: _unguarded(text) for name, text in cells.items()}
    if "tags" in task:
        task["tags"] = task["tags"].split()
    for name in ("id", "priority", "created_at", "updated_at"):
        if not task.get(name, ""):
            task.pop(name, None)
    for name in ("due_date", "due_time", "completed_at", "deleted_at"):
        if not task.get(name, "?"):
            task[name] = None
    return task


def _todo_words(task: TaskRow, zone: ZoneInfo) -> Iterator[str]:
    shown = exported(task)
    letter = _LETTERS.get(shown["priority"])
    # With a date before it, a title that begins like a priority or a date is not taken for one.
    if task["completed_at"] is not None:
        yield f"x {task['completed_at'].astimezone(zone):%Y-%m-%d}"
    elif letter:
        yield f"({letter})"
    yield f"{task['created_at'].astimezone(zone):%Y-%m-%d}"
    yield task["title"]
    yield from (f"@{tag}" for tag in task["tags"])
    if task["due_date"] is not None:
        yield f"due:{task['due_date']}"
    if task["due_time"] is not None:
        yield f"time:{task['due_time']:%H:%M}"
    if letter and task["completed_at"] is not None:
        yield f"pri:{letter}"
    yield f"id:{task['id']}"


def _from_words(words: list[str], letter: str | None) -> dict[str, Any]:
    title, tags, pairs = [], [], {"pri": letter or ""}
    for word in words:
        if pair := _PAIR.fullmatch(word):
            pairs[pair[1]] = pair[2]
        elif len(word) > 1 and word[0] in "@+":
            tags.append(word[1:])
        else:
            title.append(word)
    task: dict[str, Any] = {"title": " ".join(title), "tags": tags, "priority": _priority(pairs["pri"])}
    task |= {"due_date": pairs.get("due"), "due_time": pairs.get("time")}
    return task | ({"id": pairs["id"]} if "id" in pairs else {})


def _priority(letter: str) -> str:
    # Some lists go on after C.
    return _PRIORITIES.get(letter, "low") if letter else "none"
