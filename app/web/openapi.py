"""The contract in OpenAPI 3.1, made from the schemas that validate and from what views say about themselves.

Paths, summaries, scopes, the errors that every route of a kind can give, and links from a created thing to what can be
done with it are derived.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from flask import Flask
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from werkzeug.routing import Rule

from app.web.contract import HEADERS, Model, Operation, operations, path_of
from app.web.problem import PROBLEM_TYPE, OAuthError, Problem, ValidationProblem

JSON, MERGE_PATCH, FORM = "application/json", "application/merge-patch+json", "application/x-www-form-urlencoded"
_ERROR_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
_CONVERTERS = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer", "minimum": 0}}

Json = dict[str, Any]


def document(app: Flask, tags: Mapping[str, str], examples: Json) -> Json:
    """Return ``tags``, ``paths`` and ``components`` of the OpenAPI document.

    Args:
        tags: blueprint → heading of its routes.
        examples: by endpoint, ``request`` by type, ``responses`` by status and type; ``errors`` by name.
    """
    found = list(operations(app))
    takes = {model for *_, said in found for model in (said.request, said.form, said.query) if model}
    gives: set[Model] = {Problem, ValidationProblem, OAuthError}
    gives |= {model for *_, said in found for model in (said.response, *said.also.values()) if model}
    wanted: list[tuple[Model, Literal["validation", "serialization"]]]
    wanted = [(model, "validation") for model in takes] + [(model, "serialization") for model in gives]
    wanted.sort(key=lambda each: each[0].__name__)
    refs, made = models_json_schema(wanted, schema_generator=_Plain, ref_template="#/components/schemas/{model}")
    builder = _Builder(app, refs, made["$defs"], examples)
    paths: Json = {}
    for rule, method, said in found:
        blueprint = rule.endpoint.partition(".")[0]
        operation = {"tags": [tags.get(blueprint, blueprint)]} | builder.operation(rule, method, said)
        paths.setdefault(path_of(rule), {})[method.lower()] = operation
    for path in paths:
        _link(path, paths)
    for query in {said.query for *_, said in found if said.query}:
        del made["$defs"][_name(refs[query, "validation"])]  # taken apart into parameters
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
        if types := said.takes or _body_types(method, said):
            content = self._content(said.request or said.form, "validation", types, known.get("request", {}))
            made["requestBody"] = {"required": True, "content": content}
        made["responses"] = self._answers(rule, view, said, known.get("responses", {}))
        return made

    def _query(self, query: Model | None) -> Iterator[Json]:
        schema = self.schemas[_name(self.refs[query, "validation"])] if query else {}
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
                types = types or [JSON if status < 400 else PROBLEM_TYPE]
                answer["content"] = self._content(model, "serialization", types, known.get(str(status), {}))
            answers[str(status)] = answer
        for status in {*said.errors, *_usual_errors(rule, view, said)} - {said.status, *said.also}:
            answers[str(status)] = self._error(status, oauth=rule.rule.startswith("/oauth/"))
        return dict(sorted(answers.items()))

    def _content(self, model: Model | None, mode: str, types: Iterable[str], examples: Json) -> Json:
        content: Json = {}
        for media in types:
            structured = model if media == FORM or "json" in media else None
            content[media] = {"schema": self.refs[structured, mode] if structured else {"type": "string"}}
            example = examples.get(JSON if media == MERGE_PATCH else media)
            if example is not None:
                content[media]["example"] = example
        return content

    def _error(self, status: int, *, oauth: bool) -> Json:
        name = f"{'OAuthError' if oauth else 'Problem'}{status}"
        self.shared[name] = {"description": HTTPStatus(status).phrase} | _sends(_ERROR_HEADERS.get(status, ()))
        if status != 414:  # gunicorn's own words about an address that is too long
            model = OAuthError if oauth else ValidationProblem if status == 422 else Problem
            media, example = JSON if oauth else PROBLEM_TYPE, self.examples.get("errors", {}).get(name)
            self.shared[name]["content"] = self._content(model, "serialization", [media], {media: example})
        return {"$ref": f"#/components/responses/{name}"}


def _path(rule: Rule) -> Iterator[Json]:
    for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", rule.rule):
        yield {"name": name, "in": "path", "required": True, "schema": _CONVERTERS.get(kind, {"type": "string"})}


def _body_types(method: str, said: Operation) -> Sequence[str]:
    if said.request:
        return [JSON, MERGE_PATCH] if method == "PATCH" else [JSON]
    return [FORM] if said.form else []


def _name(ref: Json) -> str:
    return str(ref["$ref"]).rpartition("/")[2]


def _headers(names: Sequence[str]) -> Iterator[Json]:
    for name in names:
        yield {"name": name, "in": "header", "description": HEADERS[name], "schema": {"type": "string"}}


def _sends(names: Sequence[str]) -> Json:
    headers = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
    return {"headers": headers} if headers else {}


def _guarded(view: Any) -> bool:
    return hasattr(view, "required_scope")


def _scope(view: Any) -> str | None:
    return getattr(view, "required_scope", None)


def _usual_errors(rule: Rule, view: Any, said: Operation) -> Iterator[int]:
    if _guarded(view) or said.client:
        yield 401
    if _scope(view):
        yield 403
    if rule.arguments:
        yield 404
    if said.request or said.form or said.takes:
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
