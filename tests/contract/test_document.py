"""The OpenAPI document says what is true, all of it, and shows real answers."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.web import errors, payload, problem
from app.web.contract import operations, path_of
from app.web.payload import Schema
from app.web.problem import PROBLEM_TYPE
from tests.contract.examples import FILE, Visit, settled, visit
from tests.programs import ROOT

DESCRIBED = ("/api", "/oauth", "/.well-known", "/healthz", "/readyz")
#: What is there but not in the document, and why.
LEFT_OUT = {
    "docs.page",  # a page for people, which shows the document
}
#: Headers of an answer that belong to the contract of a route.
HEADERS = {"ETag", "Link", "Location"}
HOW = "see documented in app/web/contract.py"
RECORD = "add it to tests/contract/examples.py and run: python -m tests.contract.examples"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    made: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return made


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> set[type[Schema]]:
    """Every schema that input was held against."""
    used = set()
    for name in ("model_validate", "model_validate_json"):
        original = getattr(Schema, name).__func__

        def note(cls: type[Schema], *values: Any, original: Any = original, **options: Any) -> Any:
            used.add(cls)
            return original(cls, *values, **options)

        monkeypatch.setattr(Schema, name, classmethod(note))
    # What was asked before is not held against its schema again.
    monkeypatch.setattr(payload, "_query_string", payload._query_string.__wrapped__)
    return used


@pytest.fixture
def visited(validated: set[type[Schema]], app: Flask) -> Visit:
    """Every route, visited once."""
    return visit(app, validated)


def test_every_route_is_documented(app: Flask, document: dict[str, Any]) -> None:
    missing = [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(DESCRIBED) and rule.endpoint not in LEFT_OUT
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if method.lower() not in document["paths"].get(path_of(rule), {})
    ]
    assert missing == [], HOW


def test_what_is_left_out_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= LEFT_OUT


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_anybody_may_read_the_document_and_it_is_sent_once(client: FlaskClient) -> None:
    response = client.get("/api/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    again = client.get("/api/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_the_document_names_the_scope_that_a_route_asks_for(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert paths["/api/users/{user_id}/tasks"]["post"]["security"] == [{"bearer": ["tasks:write"]}]
    assert paths["/api/me"]["get"]["security"] == [{"bearer": ["account"]}]
    assert paths["/api/auth/logout"]["post"]["security"] == [{"bearer": []}]
    assert "security" not in paths["/api/auth/login"]["post"]


def test_a_created_task_links_to_what_can_be_done_with_it(document: dict[str, Any]) -> None:
    links = document["paths"]["/api/users/{user_id}/tasks"]["post"]["responses"]["201"]["links"]
    assert links["tasks_api.show"] == {
        "operationId": "tasks_api.show",
        "parameters": {"user_id": "$request.path.user_id", "task_id": "$response.body#/id"},
    }
    assert set(links) >= {"tasks_api.update", "tasks_api.delete", "tasks_api.restore"}


def test_every_operation_has_been_visited(app: Flask, visited: Visit) -> None:
    unseen = {rule.endpoint for rule, *_ in operations(app)} - {call.endpoint for call in visited.calls}
    assert unseen == set(), RECORD


def test_every_answer_is_as_documented(app: Flask, visited: Visit, document: dict[str, Any]) -> None:
    documented = {rule.endpoint: (rule, method, operation) for rule, method, operation in operations(app)}
    for call in visited.calls:
        rule, method, operation = documented[call.endpoint]
        answers = document["paths"][path_of(rule)][method.lower()]["responses"]
        answer = answers.get(str(call.response.status_code))
        assert answer, f"{call.endpoint} answered {call.response.status_code}, which is not documented"
        if call.response.status_code == operation.status:
            if operation.response and call.response.is_json:
                operation.response.model_validate_json(call.response.data)
            elif operation.status == 204 or not operation.media:
                assert call.response.data == b"", call.endpoint
            assert call.response.mimetype in answer.get("content", {call.response.mimetype}), call.endpoint
            assert {name for name in HEADERS if name in call.response.headers} <= set(operation.sends), call.endpoint


def test_the_documented_schemas_are_those_that_validate(app: Flask, visited: Visit) -> None:
    documented = {rule.endpoint: operation for rule, _, operation in operations(app)}
    for call in visited.calls:
        operation = documented[call.endpoint]
        if call.response.status_code == operation.status and not operation.takes:  # files are read task by task
            assert call.validated == {operation.request, operation.query} - {None}, call.endpoint


def test_the_examples_are_what_is_answered_now(visited: Visit) -> None:
    recorded = json.loads(FILE.read_text())
    assert settled(recorded) == settled(visited.examples), RECORD


def test_everything_that_can_be_shown_has_an_example(document: dict[str, Any]) -> None:
    bare = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            contents = {"request": operation.get("requestBody", {})}
            contents |= {status: each for status, each in operation["responses"].items() if status.startswith("2")}
            for where, each in contents.items():
                for media, content in each.get("content", {}).items():
                    if "example" not in content and path != "/api/openapi.json":
                        bare.append(f"{method.upper()} {path} {where} {media}")
    assert bare == [], RECORD


def test_examples_hold_no_token(document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    assert "eyJ" in text
    assert not [part for part in text.split("eyJ")[1:] if "…" not in part[:12]]


def test_refusals_are_documented_in_the_voice_of_their_path(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if "$ref" in answer:
                    name = "OAuthError" if path.startswith("/oauth/") else "Problem"
                    assert answer["$ref"] == f"#/components/responses/{name}{status}", path
    shared = document["components"]["responses"]
    assert set(shared["Problem404"]["content"]) == {PROBLEM_TYPE}
    assert "WWW-Authenticate" in shared["OAuthError401"]["headers"]


def test_the_guide_names_every_type_of_problem_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    named = {(int(status), name) for status, names in rows for name in re.findall(r"`([\w-]+)`", names)}
    given = {(status, problem._slug(kind.__new__(kind))) for kind, (status, _) in errors._MEANING.items()}
    assert named == given - {(400, "unsupported-grant-type")}  # said by /oauth/token alone, in OAuth's way
