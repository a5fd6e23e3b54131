"""Requests to a gunicorn of several workers, each on a connection of its own."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.people import PASSWORD, Person
from tests.servers import Server


def call(
    server: Server, method: str, path: str, token: str | None = None, body: Any = None
) -> tuple[int, dict[str, Any]]:
    """Send a request on a connection of its own, so that any worker may get it."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def refresh(server: Server, token: str) -> tuple[int, dict[str, Any]]:
    return call(server, "POST", "/api/auth/refresh", body={"refresh_token": token})


def sign_in(server: Server, person: Person) -> dict[str, Any]:
    status, pair = call(server, "POST", "/api/auth/login", body={"email": person.email, "password": PASSWORD})
    assert status == 200
    return pair
