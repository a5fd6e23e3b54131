"""Error bodies: problem+json for the API (RFC 9457), RFC 6749 §5.2 for /oauth."""

import re
from typing import Any

import orjson
from flask import g, request
from pydantic import Field

from app.services.errors import InvalidInput, ServiceError
from app.web.json import OPTIONS as JSON_OPTIONS
from app.web.payload import Answer

PROBLEM_TYPE = "application/problem+json"


class Problem(Answer):
    """RFC 9457; ``operation`` is the number, from 0, of the operation of a batch that could not be carried out."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    operation: int = 0


class FieldError(Answer):
    """What is wrong at one place: a JSON pointer into what was sent, or ``#/`` and the name of a parameter."""

    pointer: str
    detail: str


class ValidationProblem(Problem):
    """RFC 9457, with every place that is wrong; without any where the request as a whole is."""

    errors: list[FieldError] = Field(default_factory=list)


class OAuthError(Answer):
    """RFC 6749 §5.2."""

    error: str
    error_description: str


_OAUTH_CODES = {401: "invalid_client", 500: "server_error", 503: "temporarily_unavailable"}


def problem(status: int, title: str, detail: str, error: ServiceError | None = None) -> bytes:
    """Return the body of RFC 9457; its ``type`` is named after our own error, or about:blank where HTTP says it all."""
    body: dict[str, Any] = {
        "type": f"urn:taskward:problem:{_slug(error)}" if error else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": g.request_id,
        **(error.members if error else {}),
    }
    if isinstance(error, InvalidInput):
        body["errors"] = [
            {"pointer": f"#/{place}" if place else "#", "detail": text} for place, text in error.errors.items()
        ]
    return orjson.dumps(body, option=JSON_OPTIONS)


def oauth_error(status: int, detail: str, code: str | None = None) -> bytes:
    """Return the body of RFC 6749 §5.2, whose description has only the characters that section allows."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in detail)
    return orjson.dumps({"error": code or _OAUTH_CODES.get(status, "invalid_request"), "error_description": plain})


def _slug(error: ServiceError) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
