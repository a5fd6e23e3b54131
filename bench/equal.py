"""Do the programs do equal work? Asks each for everything once; one that leaves something out is not measured."""

import json
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jwt
from sqlalchemy import create_engine, text

from app.auth.schemas import Profile
from app.tasks import answers
from bench.actions import ACTIONS, request
from bench.people import Person
from bench.servers import Server

TASK = sorted(answers.Task.model_fields)
PROFILE = sorted(Profile.model_fields)


class UnequalError(Exception):
    """A program does not do what the others do; the text says what."""


def ask(server: Server, key: str, person: Person) -> tuple[int, Any, dict[str, str]]:
    """Send a request; return status, body as JSON, and headers by their names in small letters."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        sent = request(server.program, ACTIONS[key], person)
        connection.sendall(sent.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        body = body[body.index(b"\r\n") + 2 : body.rindex(b"\r\n0\r\n")]
    status = int(lines[0].split()[1])
    return status, json.loads(body) if body and status < 400 else {}, headers


def check(server: Server, people: Sequence[Person], database_url: str) -> None:
    """Compare what the program answers with what the measurement supposes.

    Raises:
        UnequalError: it is not the same work.
    """
    mine, other = people[0], people[1]

    def expect(what: str, *, holds: bool) -> None:
        if not holds:
            raise UnequalError(f"it is not so that {what}\n{server.log.read_text()[-1500:]}")

    status, body, _ = ask(server, "signin", mine)
    expect("a sign-in with the right password succeeds", holds=status == 200)
    if server.program.key == "better_auth":
        status, body, _ = ask(server, "whoami", mine)
        expect("who am I is answered", holds=status == 200 and body["user"]["email"] == mine.email)
        return
    access = body.get("access_token") or body.get("access")
    expect("the token of a sign-in is good", holds=ask(server, "whoami", replace(mine, access=access))[0] == 200)
    status, body, _ = ask(server, "refresh", mine)
    expect("a refresh succeeds", holds=status == 200 and any(name.startswith("refresh") for name in body))
    status, body, _ = ask(server, "whoami", mine)
    expect("who am I", holds=status == 200 and sorted(body) == PROFILE and body["id"] == mine.id)
    status, body, _ = ask(server, "list", mine)
    items = body.get("items", [])
    expect("a list has 20 tasks", holds=status == 200 and len(items) == 20)
    expect("a task has all fields", holds=all(sorted(item) == TASK for item in items))
    order = [(item["due_date"] or "9999", item["id"]) for item in items]
    expect(
        "open tasks in the order of due dates", holds=order == sorted(order) and not any(i["completed"] for i in items)
    )
    status, body, _ = ask(server, "read", mine)
    expect("a task is shown", holds=status == 200 and sorted(body) == TASK and body["id"] == mine.task_id)
    status, body, _ = ask(server, "create", mine)
    expect("a task is created", holds=status == 201 and sorted(body) == TASK)
    for key in ("list", "read", "create"):
        expect("another's id is refused", holds=ask(server, key, replace(mine, id=other.id))[0] == 403)
    expect("a damaged token is refused", holds=ask(server, "list", replace(mine, access=mine.access[:-4]))[0] == 401)
    _block(other.access, database_url)
    for key in ("list", "read", "whoami", "create"):
        expect(f"a revoked token is refused ({key})", holds=ask(server, key, other)[0] == 401)


def _block(access: str, database_url: str) -> None:
    jti = jwt.decode(access, options={"verify_signature": False})["jti"]
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        values = {"jti": jti}
        connection.execute(text("INSERT INTO blocked_tokens VALUES (:jti, now() + interval '1 day')"), values)
    engine.dispose()
