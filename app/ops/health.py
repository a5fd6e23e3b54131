"""Liveness and readiness for load balancers and supervisors."""

from typing import Any

from flask import Blueprint, Flask
from werkzeug.exceptions import ServiceUnavailable

from app.services import keys, schema
from app.web.contract import documented
from app.web.payload import Answer

bp = Blueprint("health", __name__)


class Health(Answer):
    status: str


@bp.get("/healthz")
@documented(response=Health)
def healthz() -> Any:
    """Say that the process answers; asks nothing of the database."""
    return {"status": "ok"}


@bp.get("/readyz")
@documented(response=Health, errors=[503])
def readyz() -> Any:
    """Say whether requests can be served: the database answers and its schema is current."""
    if schema.mismatch():
        raise ServiceUnavailable("The database has another schema than this code.", retry_after=5)
    return {"status": "ok"}


def refusal(app: Flask) -> str | None:
    """Return why this database must not be served by this code, in one line, or None when all is well."""
    with app.app_context():
        mismatch = schema.mismatch()
        if mismatch is None:
            keys.ring()  # keys that this SECRET_KEY cannot open are reported now, not at the first request
        return mismatch
