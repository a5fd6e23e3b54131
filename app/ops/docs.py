"""The contract, for programs as OpenAPI and for people as a page."""

from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, current_app, make_response, render_template, request

from app.web.contract import documented
from app.web.headers import DOCS_POLICY
from app.web.openapi import document
from app.web.payload import Answer

bp = Blueprint("docs", __name__, url_prefix="/api")

#: Recorded from a running application by ``python -m tests.contract.examples``.
_EXAMPLES = Path(__file__).with_name("examples.json")
_INFO = {
    "title": "Taskward",
    "version": "1",
    "summary": "Tasks that nobody but their owner can read.",
    "description": """\
Register or sign in, then send the access token in `Authorization: Bearer`. When it has expired, refresh.

Refusals are [problem details](https://www.rfc-editor.org/rfc/rfc9457), under `/oauth` errors of
[RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-5.2). Times are in UTC, due dates are days of the person's own
calendar. A field that is not listed here is refused, never ignored.

Every example is an answer that was given, with tokens cut short.""",
    "license": {"name": "MIT", "identifier": "MIT"},
}
# Relative, so that it is right behind whatever address people type.
_FIXED = {"openapi": "3.1.0", "info": _INFO, "servers": [{"url": "/"}]}

#: Blueprint → the heading under which its routes are shown; one that is not here is shown under its own name.
_TAGS = {
    "auth_api": "Signing in",
    "users_api": "Account",
    "tasks_api": "Tasks",
    "oauth": "OAuth 2",
    "metadata": "OAuth 2",
    "health": "About the server",
    "docs": "About the server",
}


class Document(Answer):
    """OpenAPI 3.1."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, str]]
    tags: list[dict[str, str]]
    paths: dict[str, Any]
    components: dict[str, Any]


@bp.get("/openapi.json")
@documented(response=Document, accepts=["If-None-Match"], sends=["ETag"], also={304: None})
def openapi() -> Any:
    """Show this document."""
    if "openapi" not in current_app.extensions:
        made = _FIXED | document(current_app, _TAGS, orjson.loads(_EXAMPLES.read_bytes()))
        current_app.extensions["openapi"] = orjson.dumps(made)
    response = make_response(current_app.extensions["openapi"])
    response.content_type = "application/json"
    # It changes only with the code: ask each time, and be told each time that it is the same.
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


@bp.get("/docs")
def page() -> Any:
    """Show the document in Swagger UI."""
    return render_template("docs.html"), {"Content-Security-Policy": DOCS_POLICY}
