"""What views say about themselves, in one line above each: the contract that `app/web/openapi.py` writes out."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

#: Headers that may be named, and what they mean.
HEADERS = {
    "ETag": "The version of what is shown.",
    "Link": "The next page, as rel=next.",
    "Location": "Where the new thing is.",
    "Retry-After": "For how many seconds to wait.",
    "WWW-Authenticate": "What is missing (RFC 6750, RFC 9470, RFC 7617).",
    "If-Match": "Do it only if the ETag is still this one.",
    "If-None-Match": "Answer 304 if the ETag is still this one.",
    "Idempotency-Replayed": "true: the request was carried out before, and nothing was done now.",
    "Idempotency-Key": "A request that is repeated under the same key is done once.",
}

Model = type[BaseModel]
ViewT = TypeVar("ViewT", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """What a view takes and answers; as a decorator it makes the view say so.

    Args:
        request, form, query: schema of the JSON body, of the form-encoded body, of the query string.
        takes: types of the body if they are others; one that is not JSON is text.
        accepts, sends: headers of the request and of the good answer, each explained in `HEADERS`.
        response, status, media: the good answer: its schema, status and types; without a schema it is text or nothing.
        also: other answers that are no errors in the voice of the path, by status.
        errors: statuses beside those that every route of its kind can give (`openapi.py::_usual_errors`).
        client: whether an OAuth client authenticates here.
    """

    request: Model | None = None
    form: Model | None = None
    query: Model | None = None
    takes: Sequence[str] = ()
    accepts: Sequence[str] = ()
    response: Model | None = None
    status: int = 200
    media: Sequence[str] = ()
    sends: Sequence[str] = ()
    also: Mapping[int, Model | None] = field(default_factory=dict)
    errors: Sequence[int] = ()
    client: bool = False

    def __call__(self, view: ViewT) -> ViewT:
        view.operation = self  # type: ignore[attr-defined]
        return view


#: Above a view, below its route: ``@documented(request=schemas.NewTask, response=schemas.Task, status=201)``.
documented = Operation


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Yield rule, method and operation of every documented route."""
    for rule in app.url_map.iter_rules():
        operation: Operation | None = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, operation


def path_of(rule: Rule) -> str:
    """Return the rule as OpenAPI writes it, as in ``/api/users/{user_id}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
