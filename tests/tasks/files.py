"""Exports for tests, and sending them."""

import json
from typing import Any

from werkzeug.test import TestResponse

from tests.people import Person


def export(person: Person) -> dict[str, Any]:
    """Return the person's export."""
    response = person.get("/export")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.get_json()
    return document


def document(*tasks: Any, **fields: Any) -> dict[str, Any]:
    """Return an export with these tasks."""
    return {"format": "taskward", "format_version": 1, "tasks": list(tasks)} | fields


def record(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return a task as exports have them."""
    return {"id": f"00000000-0000-4000-8000-{number:012}", "title": f"Task {number}"} | fields


def send(person: Person, data: bytes | str, kind: str = "application/json", query: str = "") -> TestResponse:
    """Import a file as it is."""
    return person.call("POST", f"/import{query}", data=data, content_type=kind)


def counts(response: TestResponse) -> tuple[int, int, int]:
    """Return how many tasks an import added, changed and left alone."""
    assert response.status_code == 200, response.text
    body = response.get_json()
    assert body.keys() == {"dry_run", "created", "updated", "unchanged"}
    return body["created"], body["updated"], body["unchanged"]


def send_json(person: Person, file: Any, query: str = "") -> Any:
    """Import an export, as `document` makes one."""
    return send(person, json.dumps(file), query=query)
