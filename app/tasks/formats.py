"""The list of tasks in other formats, by suffix or by Accept: the same parameters, and all of it at once."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from flask.json import dumps
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from app.services import export, task_cursors
from app.services.task_lists import Page
from app.tasks import answers, calendar, plain_text, schemas
from app.web.access import owner_required, principal
from app.web.contract import documented
from app.web.payload import query_string
from app.web.streaming import streamed

bp = Blueprint("formats", __name__, url_prefix="/api/users/<uuid:user_id>")

#: What `/tasks` answers with by Accept; the first where there is no preference.
TYPES = {"application/json": "json", "text/plain": "txt", "text/csv": "csv", "text/calendar": "ics"}


@bp.get("/tasks.json")
@documented(query=schemas.ListQuery, response=answers.Tasks)
@owner_required("tasks:read")
def as_json(user_id: UUID) -> Any:
    """List tasks as JSON, all pages in one."""
    return listed(user_id, "json")


@bp.get("/tasks.csv")
@documented(query=schemas.ListQuery, media=["text/csv"])
@owner_required("tasks:read")
def as_csv(user_id: UUID) -> Any:
    """List tasks as CSV."""
    return listed(user_id, "csv")


@bp.get("/tasks.txt")
@documented(query=schemas.ListQuery, media=["text/plain"])
@owner_required("tasks:read")
def as_todo_txt(user_id: UUID) -> Any:
    """List tasks as todo.txt."""
    return listed(user_id, "txt")


@bp.get("/tasks.ics")
@documented(query=schemas.ListQuery, media=["text/calendar"])
@owner_required("tasks:read")
def as_calendar(user_id: UUID) -> Any:
    """List tasks as the to-dos of a calendar."""
    return listed(user_id, "ics")


def wanted() -> str:
    """Return the format that Accept asks for: json, csv, txt or ics; json too where it asks for none of them."""
    return _wanted(request.environ.get("HTTP_ACCEPT", ""))


@lru_cache(maxsize=256)
def _wanted(accept: str) -> str:
    return TYPES[parse_accept_header(accept, MIMEAccept).best_match(TYPES, "application/json")]


def listed(user_id: UUID, kind: str) -> Response:
    """Return the list that the query string asks for in that format: all of it, unless ``limit`` says how many."""
    asked, timezone = query_string(schemas.ListQuery), principal().timezone
    limit = asked.limit if "limit" in asked.model_fields_set else None
    query = asked.query(task_cursors.seen_at(asked.cursor, timezone))
    pages = export.pages(user_id, query, limit, asked.cursor)
    # Here rather than while it is sent: a cursor that is damaged is refused.
    pages = chain([next(pages)], pages)
    if kind == "json":
        return streamed(_json(pages, timezone), "application/json")
    pieces = (page.items for page in pages)
    if kind == "csv":
        return streamed(plain_text.to_csv(pieces), "text/csv", Vary="Accept")
    if kind == "txt":
        return streamed(plain_text.to_todo_txt(pieces, timezone), "text/plain", Vary="Accept")
    return streamed(calendar.todos(pieces, timezone), calendar.MIMETYPE, Vary="Accept")


def _json(pages: Iterable[Page], timezone: str) -> Iterator[str]:
    """Yield what one page of the list would be if it had room for all."""
    before, following = '{"items":[', None
    for page in pages:
        if page.items:
            yield before + ",".join(dumps(schemas.task_json(row, timezone)) for row in page.items)
            before = ","
        following = page.next_cursor
    yield f'{"" if before == "," else before}],"next_cursor":{dumps(following)}}}'
