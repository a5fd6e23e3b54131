"""The contract in OpenAPI 3.1, made from the schemas that validate and from what views say about themselves.

A view names what it takes and answers in one line, `documented`. Paths, summaries, scopes, the errors that every route
of a kind can give, and links from a created thing to what can be done with it are derived.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from werkzeug.routing import Rule

from app.web.problem import PROBLEM_TYPE, OAuthError, Problem, ValidationProblem

JSON, MERGE_PATCH, FORM = "application/json", "application/merge-patch+json", "application/x-www-form-urlencoded"
_HEADERS = {
    "ETag": "The version of what is shown.",
    "Link": "The next page, as rel=next.",
    "Location": "Where the new thing is.",
    "Retry-After": "For how many seconds to wait.",
    "WWW-Authenticate": "What is missing (RFC 6750, RFC 9470, RFC 7617).",
    "If-Match": "Do it only if the ETag is still this one.",
    "If-None-Match": "Answer 304 if the ETag is still this one.",
    "Idempotency-Key": "A request that is repeated under the same key is done once.",
}
_ERROR_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
_CONVERTERS = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer", "minimum": 0}}

Json = dict[str, Any]
Model = type[BaseModel]
ViewT = TypeVar("ViewT", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """What a view takes and answers."""

    request: Model | None = None
    form: Model | None = None
    query: Model | None = None
    accepts: Sequence[str] = ()
    response: Model | None = None
    status: int = 200
    media: Sequence[str] = ()
    sends: Sequence[str] = ()
    also: Mapping[int, Model | None] = field(default_factory=dict)
    errors: Sequence[int] = ()
    client: bool = False


def documented(**said: Any) -> Callable[[ViewT], ViewT]:
    """Say what a view takes and answers; the keywords are the fields of `Operation`.

    Args:
        request, form, query: schema of the JSON body, of the form-encoded body, of the query string.
        accepts, sends: headers of the request and of the good answer, each explained in `_HEADERS`.
        response, status, media: the good answer: its schema, status and types; without a schema it is text or nothing.
        also: other answers that are no errors in the voice of the path, by status.
        errors: statuses beside those that every route of its kind can give (`_usual_errors`).
        client: whether an OAuth client authenticates here.
    """
    operation = Operation(**said)

    def decorate(view: ViewT) -> ViewT:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate


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


def document(app: Flask, tags: Mapping[str, str], examples: Json) -> Json:
    """Return ``tags``, ``paths`` and ``components`` of the OpenAPI document.

    Args:
        tags: blueprint → heading of its routes.
        examples: by endpoint, ``request`` and by status ``responses``; under ``errors`` by name of the shared response.
    """
    found = list(operations(app))
    takes = {model for *_, said in found for model in (said.request, said.form, said.query) if model}
    gives = {Problem, ValidationProblem, OAuthError}
    gives |= {model for *_, said in found for model in (said.response, *said.also.values()) if model}
    wanted = [(model, "validation") for model in takes] + [(model, "serialization") for model in gives]
    wanted.sort(key=lambda each: each[0].__name__)
    refs, made = models_json_schema(wanted, schema_generator=_Plain, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    builder = _Builder(app, refs, made["$defs"], examples)
    paths: Json = {}
    for rule, method, said in found:
        blueprint = rule.endpoint.partition(".")[0]
        operation = {"tags": [tags.get(blueprint, blueprint)]} | builder.operation(rule, method, said)
        paths.setdefault(path_of(rule), {})[method.lower()] = operation
    for path in paths:
        _link(path, paths)
    components = {"schemas": made["$defs"], "responses": builder.shared, "securitySchemes": _SCHEMES}
    return {"tags": [{"name": name} for name in dict.fromkeys(tags.values())], "paths": paths, "components": components}


_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "client": {"type": "http", "scheme": "basic", "description": "An OAuth client and its secret."},
}


class _Plain(GenerateJsonSchema):
    """Without the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Builder:
    def __init__(self, app: Flask, refs: Mapping[Any, Any], schemas: Json, examples: Json) -> None:
        self.app, self.refs, self.schemas, self.examples = app, refs, schemas, examples
        self.shared: Json = {}

    def operation(self, rule: Rule, method: str, said: Operation) -> Json:
        view = self.app.view_functions[rule.endpoint]
        known = self.examples.get(rule.endpoint, {})
        summary, _, more = (view.__doc__ or "").replace("``", "").partition("\n")
        made: Json = {"operationId": rule.endpoint, "summary": summary}
        if more:
            made["description"] = more.strip()
        if _guarded(view):
            made["security"] = [{"bearer": [scope] if (scope := _scope(view)) else []}]
        elif said.client:
            made["security"] = [{"client": []}, {}]  # a public client, or one that sends its secret in the form
        made["parameters"] = [*_path(rule), *self._query(said.query), *_headers(said.accepts)]
        if body := said.request or said.form:
            types = [FORM] if said.form else [JSON, MERGE_PATCH] if method == "PATCH" else [JSON]
            content = self._content((body, "validation"), types, known.get("request"))
            made["requestBody"] = {"required": True, "content": content}
        made["responses"] = self._answers(rule, view, said, known.get("responses", {}))
        return made

    def _query(self, query: Model | None) -> Iterator[Json]:
        schema = self.schemas.get(query.__name__, {}) if query else {}
        for name, values in schema.get("properties", {}).items():
            # To leave a parameter out is the only way in which a query string can say null.
            one = next(each for each in values.get("anyOf", [values]) if each.get("type") != "null")
            yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}

    def _answers(self, rule: Rule, view: Any, said: Operation, known: Json) -> Json:
        answers: Json = {}
        for status, model in {said.status: said.response, **said.also}.items():
            answer: Json = {"description": HTTPStatus(status).phrase} | _sends(said.sends)
            types = said.media if status == said.status else ()
            if model or types:
                key = (model, "serialization") if model else None
                answer["content"] = self._content(key, types or [JSON], known.get(str(status)))
            answers[str(status)] = answer
        for status in {*said.errors, *_usual_errors(rule, view, said)} - {said.status, *said.also}:
            answers[str(status)] = self._error(status, oauth=rule.rule.startswith("/oauth/"))
        return dict(sorted(answers.items()))

    def _content(self, key: tuple[Model, str] | None, types: Iterable[str], example: Any) -> Json:
        content: Json = {"schema": self.refs[key] if key else {"type": "string"}}
        return dict.fromkeys(types, content if example is None else content | {"example": example})

    def _error(self, status: int, *, oauth: bool) -> Json:
        name = f"{'OAuthError' if oauth else 'Problem'}{status}"
        self.shared[name] = {"description": HTTPStatus(status).phrase} | _sends(_ERROR_HEADERS.get(status, ()))
        if status != 414:  # gunicorn's own words about an address that is too long
            model = OAuthError if oauth else ValidationProblem if status == 422 else Problem
            types, example = [JSON if oauth else PROBLEM_TYPE], self.examples.get("errors", {}).get(name)
            self.shared[name]["content"] = self._content((model, "serialization"), types, example)
        return {"$ref": f"#/components/responses/{name}"}


def _path(rule: Rule) -> Iterator[Json]:
    for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", rule.rule):
        yield {"name": name, "in": "path", "required": True, "schema": _CONVERTERS.get(kind, {"type": "string"})}


def _headers(names: Sequence[str]) -> Iterator[Json]:
    for name in names:
        yield {"name": name, "in": "header", "description": _HEADERS[name], "schema": {"type": "string"}}


def _sends(names: Sequence[str]) -> Json:
    headers = {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}
    return {"headers": headers} if headers else {}


def _guarded(view: Any) -> bool:
    return hasattr(view, "owner_scope") or hasattr(view, "required_scope")


def _scope(view: Any) -> str | None:
    return getattr(view, "owner_scope", None) or getattr(view, "required_scope", None)


def _usual_errors(rule: Rule, view: Any, said: Operation) -> Iterator[int]:
    if _guarded(view) or said.client:
        yield 401
    if _scope(view):
        yield 403
    if rule.arguments:
        yield 404
    if said.request or said.form:
        yield from (400, 413, 415)
    if said.request or said.query:
        yield 422
    if said.query:
        yield 414
    if rule.rule.startswith(("/api/", "/oauth/", "/.well-known/")):
        yield from (429, 503)


def _link(path: str, paths: Json) -> None:
    """Link what POST creates at a path to every operation on the new thing, as in ``tasks`` to ``tasks/{task_id}``."""
    created = paths[path].get("post", {}).get("responses", {}).get("201")
    mine = {name: f"$request.path.{name}" for name in re.findall(r"\{(\w+)\}", path)}
    for other, methods in paths.items():
        match = re.fullmatch(re.escape(path) + r"/\{(\w+)\}(?:/\w+)?", other)
        if created and match:
            parameters = mine | {match[1]: "$response.body#/id"}
            for operation in methods.values():
                link = {"operationId": operation["operationId"], "parameters": parameters}
                created.setdefault("links", {})[operation["operationId"]] = link
