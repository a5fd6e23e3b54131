"""How results are printed: one JSON document, or text for people."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from flask import current_app

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

#: A row or an account, by column name.
Record = Mapping[str, Any]


def print_json(document: Any) -> None:
    """Print one JSON document, its values written as the API writes them.

    It is pure ASCII: no control or direction character of a stored value reaches the terminal, whatever its encoding.
    """
    click.echo(json.dumps(current_app.json.loads(current_app.json.dumps(document)), indent=2))


def print_list(records: Sequence[Record], columns: Sequence[str], *, as_json: bool, none: str) -> None:
    """Print records as ``{"items": [...]}`` or as a table.

    Args:
        records: what to print; the JSON has all of their values.
        columns: names of the values that the table shows.
        as_json: which of the two.
        none: what to say, on standard error, in place of an empty table.
    """
    if as_json:
        print_json({"items": records})
    elif not records:
        click.echo(none, err=True)
    else:
        headings = [name.replace("_", " ").upper() for name in columns]
        lines = [headings, *([_cell(record[name]) for name in columns] for record in records)]
        widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            click.echo("  ".join(map(_padded, line, widths)).rstrip())


def print_record(record: Record, *, as_json: bool) -> None:
    """Print one record as a JSON object or as lines of name and value."""
    if as_json:
        print_json(record)
        return
    width = max(map(len, record))
    for name, value in record.items():
        click.echo(f"{name:{width}}  {_cell(value)}".rstrip())


def say(message: str) -> None:
    """Tell the person at the terminal, on standard error."""
    click.echo(printable(message), err=True)


def printable(text: str) -> str:
    """Return the text with everything that could steer a terminal written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, thing: str) -> str:
    """Return number and noun, as in "1 session" and "2 sessions"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else printable(str(value))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
