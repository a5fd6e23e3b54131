"""The calendar feed: its private address, and what is read there."""

import hashlib
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, request, url_for

from app.services import feeds
from app.tasks import answers, calendar
from app.tasks.conditions import NotModified
from app.web.access import owner_required, principal, require_scope, require_step_up
from app.web.contract import documented
from app.web.streaming import streamed

api = Blueprint("feeds_api", __name__, url_prefix="/api/users/<uuid:user_id>/feed")
bp = Blueprint("feeds", __name__, url_prefix="/feeds")

#: Change it with what an event looks like, so that programs do not go on with what they have.
_LOOKS = 1


@api.get("")
@documented(response=answers.Feed)
@owner_required("account")
def show(user_id: UUID) -> Any:
    """Say whether there is a calendar feed and since when; its address nobody knows any more."""
    made_at = feeds.made_at(user_id)
    return {"active": made_at is not None, "created_at": made_at}


@api.post("")
@documented(response=answers.NewFeed, status=201)
@owner_required("tasks:read")
def make(user_id: UUID) -> Any:
    """Make a calendar feed, or replace its address; besides ``tasks:read`` this needs what an export needs."""
    require_scope("account")
    require_step_up()
    return {"url": address(feeds.make(principal())), "created_at": feeds.made_at(user_id)}, 201


@api.delete("")
@documented(status=204)
@owner_required("account")
def revoke(user_id: UUID) -> Any:
    """Revoke the calendar feed."""
    feeds.revoke(principal())
    return "", 204


@bp.get("/<secret>.ics")
def read(secret: str) -> Any:
    """Show a person's open tasks with a due date as a calendar, to whoever knows the address."""
    reader = feeds.reader(secret)
    looks = f"{_LOOKS} {reader.user_id} {reader.rev} {reader.timezone}"
    headers = {
        "ETag": f'W/"{hashlib.sha256(looks.encode()).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }
    if request.if_none_match.contains_weak(headers["ETag"][3:-1]):
        return NotModified(headers=headers)
    pieces = calendar.events(feeds.open_and_due(reader.user_id), reader.timezone)
    response = streamed(pieces, calendar.MIMETYPE)
    response.headers.update(headers)
    return response


def address(secret: str) -> str:
    """Return the address of a feed."""
    return f"{current_app.config['PUBLIC_URL']}{url_for('feeds.read', secret=secret)}"
