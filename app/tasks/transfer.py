"""JSON: everything out as a file, and back in."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from werkzeug.exceptions import UnsupportedMediaType

from app.services import imports
from app.tasks import answers, exported, imported
from app.web.access import owner_required, principal, require_scope, require_step_up
from app.web.contract import documented
from app.web.payload import Schema, query_string, refuse_coding

bp = Blueprint("transfer", __name__, url_prefix="/api/users/<uuid:user_id>")


class ImportQuery(Schema):
    dry_run: bool = False


@bp.get("/export")
@documented(response=imported.ExportOfVersion1)
@owner_required("tasks:read")
def export(user_id: UUID) -> Any:
    """Export everything; besides ``tasks:read`` this needs ``account``, and the password given lately."""
    require_scope("account")
    require_step_up()
    return exported.file(principal())


@bp.post("/import")
@documented(
    request=imported.ExportOfVersion1,
    query=ImportQuery,
    takes=tuple(imported.KINDS),
    response=answers.Imported,
)
@owner_required("tasks:write")
def import_(user_id: UUID) -> Any:
    """Import an export, CSV or todo.txt: all of it or nothing; with ``dry_run`` only say what would happen."""
    query = query_string(ImportQuery)
    kind = imported.KINDS.get(request.mimetype)
    if kind is None:
        raise UnsupportedMediaType(f"Send the file with one of these as its Content-Type: {', '.join(imported.KINDS)}.")
    refuse_coding()
    request.max_content_length = imported.MAX_BYTES
    outcome = imports.run(user_id, imported.read(kind, request.get_data(cache=False)), dry_run=query.dry_run)
    return {"dry_run": query.dry_run, **asdict(outcome)}
