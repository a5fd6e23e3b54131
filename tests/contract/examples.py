"""The examples of the OpenAPI document, recorded from a running application.

A scripted visit to every documented route; each first answer of a kind becomes an example. After a change to a route,
add a line to the visit and run ``python -m tests.contract.examples``. A test makes the same visit and compares.
"""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.services import key_rotation
from app.web.problem import PROBLEM_TYPE
from tests.installations import installation, opened
from tests.oauth_clients import basic, register
from tests.people import Person

ROOT = Path(__file__).parents[2]
FILE = ROOT / "app/ops/examples.json"
# Not that of the people in other tests: schemathesis sends examples, and must not delete its own account with one.
PASSWORD, ANOTHER = "plum tractor violet harbour", "maple ladder copper sunrise"

_TOKEN = re.compile(r"(eyJ[\w-]{9})[\w-]+\.[\w-]+\.[\w-]+")
#: Ids, moments, request ids, keys and cursors, clients, seconds since 1970 and until a token ends.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4,12}){4}|\d{4}-\d\d-\d\dT[\d:]+(\.\d+)?Z|\d{8}T\d{6}Z|(?<=\")20\d\d-\d\d-\d\d "
    r"|\b[0-9a-f]{32}\b|[\w-]{40,}|client_[0-9a-f]{20}|\b1\d{9}\b|(?<=\"expires_in\": )\d+"
)


@dataclass(frozen=True)
class Call:
    """An answer, the endpoint that gave it, and the schemas that judged what was sent."""

    endpoint: str
    response: TestResponse
    validated: set[Any]


class Visit:
    """Somebody who calls one route after the other; ``examples`` is what they saw."""

    def __init__(self, app: Flask, validated: set[Any]) -> None:
        self.app = app
        self.client = app.test_client(use_cookies=False)
        self.token = ""
        self.examples: dict[str, Any] = {"errors": {}}
        self.calls: list[Call] = []
        self.validated = validated

    def send(self, method: str, path: str, status: int, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """Send a request, note it as an example, return the body of the answer, which must have this status."""
        endpoint = self.app.url_map.bind("").match(path.partition("?")[0], method)[0]
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = {"User-Agent": "curl/8.14.1"} | bearer | (headers or {})
        self.validated.clear()
        response = self.client.open(path, method=method, headers=headers, **body)
        assert response.status_code == status, (method, path, response.text)
        self.calls.append(Call(endpoint, response, set(self.validated)))
        shown = response.get_json(silent=True) if response.is_json else response.text or None
        if response.mimetype == PROBLEM_TYPE or (status >= 400 and path.startswith("/oauth/")):
            name = f"{'OAuthError' if path.startswith('/oauth/') else 'Problem'}{status}"
            self.examples["errors"].setdefault(name, _cut(shown))
            return shown
        known = self.examples.setdefault(endpoint, {})
        if body:
            sent = response.request.mimetype
            known.setdefault("request", {}).setdefault(sent, _cut(body.get("json", body.get("data"))))
        if shown is not None and endpoint != "docs.openapi":
            answers = known.setdefault("responses", {}).setdefault(str(status), {})
            answers.setdefault(response.mimetype, _cut(shown))
        return shown


def visit(app: Flask, validated: set[Any]) -> Visit:
    """Visit every documented route of an application with an empty database.

    Args:
        validated: where somebody notes the schemas that input is held against.
    """
    guest = Visit(app, validated)
    for path in ("/healthz", "/readyz", "/.well-known/oauth-authorization-server", "/api/openapi.json"):
        guest.send("GET", path, 200)
    _visit_sign_in(guest)
    mine = f"/api/users/{guest.send('GET', '/api/me', 200)['id']}"
    _visit_tasks(guest, f"{mine}/tasks")
    _visit_data(guest, mine)
    _visit_oauth(guest)
    _visit_account(guest, mine)
    with app.app_context():
        key_rotation.rotate("ES256", at_once=True)
    guest.send("GET", "/.well-known/jwks.json", 200)
    return guest


def _visit_sign_in(guest: Visit) -> None:
    account = {"email": "ann@example.org", "password": PASSWORD, "name": "Ann"}
    guest.send("GET", "/api/me", 401)
    guest.send("POST", "/api/auth/register", 201, json=account)
    guest.send("POST", "/api/auth/register", 409, json=account)
    guest.send("POST", "/api/auth/register", 422, json=account | {"email": "nobody", "nickname": "Ann"})
    guest.send("POST", "/api/auth/register", 415, data="email=ann@example.org")
    guest.send("POST", "/api/auth/register", 400, data="{", content_type="application/json")
    signed_in = guest.send("POST", "/api/auth/login", 200, json={"email": "ann@example.org", "password": PASSWORD})
    renewed = guest.send("POST", "/api/auth/refresh", 200, json={"refresh_token": signed_in["refresh_token"]})
    guest.token = renewed["access_token"]


def _visit_tasks(guest: Visit, tasks: str) -> None:
    task = {"title": "Buy milk", "priority": "high", "due_date": "2026-12-01", "due_time": "17:30", "tags": ["home"]}
    path = f"{tasks}/{guest.send('POST', tasks, 201, json=task)['id']}"
    guest.send("GET", tasks, 200)
    guest.send("GET", path, 200)
    guest.send("PATCH", path, 200, json={"completed": True})
    guest.send("DELETE", path, 204)
    guest.send("POST", f"{path}/restore", 200)
    chosen = f"{tasks}/01a201b8-5682-72fd-8bb1-1024250203b8"
    guest.send("GET", chosen, 404)
    guest.send("PUT", chosen, 201, {"If-None-Match": "*"}, json={"title": "Call the dentist"})
    guest.send("PUT", chosen, 200, json={"title": "Call the dentist", "notes": "In the morning"})
    guest.send("PATCH", chosen, 412, {"If-Match": '"1"'}, json={"title": "Call"})
    guest.send("GET", f"{tasks}/changes?since=99", 410)
    created = {"op": "create", "task": {"title": "Water the plants"}}
    guest.send("POST", f"{tasks}/batch", 200, {"Idempotency-Key": "a1"}, json={"operations": [created]})
    guest.send("DELETE", f"{chosen}?permanent=true", 409)
    guest.send("DELETE", chosen, 204)
    guest.send("DELETE", f"{chosen}?permanent=true", 204)
    guest.send("GET", f"{tasks}/changes?since=5", 200)
    for suffix, media in (("csv", "text/csv"), ("txt", "text/plain"), ("ics", "text/calendar")):
        guest.send("GET", f"{tasks}?limit=1", 200, {"Accept": media})
        guest.send("GET", f"{tasks}.{suffix}?limit=1", 200)
    guest.send("GET", f"{tasks}.json?limit=1", 200)


def _visit_data(guest: Visit, mine: str) -> None:
    exported = guest.send("GET", f"{mine}/export", 200)
    guest.send("POST", f"{mine}/import?dry_run=true", 200, json=exported)
    for media, text in (("text/csv", "title,tags\r\nBuy milk,home\r\n"), ("text/plain", "(A) Buy milk @home\n")):
        guest.send("POST", f"{mine}/import?dry_run=true", 200, data=text, content_type=media)
    guest.send("GET", f"{mine}/feed", 200)
    guest.send("POST", f"{mine}/feed", 201)
    guest.send("DELETE", f"{mine}/feed", 204)


def _visit_oauth(guest: Visit) -> None:
    program = register(guest.app)
    assert program.secret is not None
    headers = basic(program.id, program.secret)
    ann = guest.send("GET", "/api/me", 200)
    person = program.signed_in(Person(guest.app, ann["id"], ann["email"], "", ""))
    form = {"grant_type": "refresh_token", "refresh_token": person.refresh_token}
    pair = guest.send("POST", "/oauth/token", 200, headers, data=form)
    guest.send("POST", "/oauth/token", 400, headers, data=form | {"grant_type": "authorization_code"})
    guest.send("POST", "/oauth/introspect", 401, data={"token": pair["access_token"]})
    guest.send("POST", "/oauth/introspect", 200, headers, data={"token": pair["access_token"]})
    guest.send("POST", "/oauth/revoke", 200, headers, data={"token": pair["refresh_token"]})


def _visit_account(guest: Visit, mine: str) -> None:
    guest.send("GET", mine, 200)
    guest.send("GET", "/api/users/9d0468b5-e5a4-4ec3-8d97-2bf242e71850", 403)
    guest.send("PATCH", mine, 200, json={"name": "Ann Other", "timezone": "Europe/Berlin"})
    guest.send("GET", f"{mine}/events?limit=3", 200)
    guest.token = guest.send("POST", f"{mine}/reauthenticate", 200, json={"password": PASSWORD})["access_token"]
    guest.send("PUT", f"{mine}/email", 200, json={"email": "ann.other@example.org"})
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    guest.send("PUT", f"{mine}/password", 204, json=change)
    for _ in range(2):
        guest.send("POST", "/api/auth/login", 200, json={"email": "ann.other@example.org", "password": ANOTHER})
    sessions = guest.send("GET", f"{mine}/sessions", 200)["items"]
    other = next(each["id"] for each in sessions if not each["current"])
    guest.send("DELETE", f"{mine}/sessions/{other}", 204)
    guest.send("DELETE", f"{mine}/sessions", 204)
    guest.send("POST", "/api/auth/logout", 204)
    signed_in = guest.send("POST", "/api/auth/login", 200, json={"email": "ann.other@example.org", "password": ANOTHER})
    guest.token = signed_in["access_token"]
    guest.send("DELETE", mine, 204, json={"password": ANOTHER})


def _cut(value: Any) -> Any:
    """Return a copy in which tokens are cut short: they are dead, but nobody who scans the source can know that."""
    return json.loads(_TOKEN.sub(r"\1…", json.dumps(value, ensure_ascii=False)))


def settled(examples: dict[str, Any]) -> Any:
    """Return a copy that is the same for every visit to the same application."""
    return json.loads(_VOLATILE.sub("0", json.dumps(examples)))


def main() -> None:
    """Record."""
    with tempfile.TemporaryDirectory() as directory, installation("sqlite", Path(directory)) as env, opened(env) as app:
        examples = visit(app, set()).examples
    FILE.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
