"""What the programs are asked to do, and what it must be worth."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.people import NOTES, Person
from bench.programs import Program
from bench.servers import PASSWORD

Body = Callable[[Person], dict[str, Any]]


@dataclass(frozen=True)
class Action:
    """One kind of request: its name in results.json and in tables, method and path, body, and the good answer's status.

    ``known`` sends the entity tag of the answer that the client has already. Peers that have no entity tags answer in
    full: that is what the same request costs there.
    """

    key: str
    title: str
    method: str
    path: str
    body: Body | None = None
    status: int = 200
    known: bool = False


def _credentials(person: Person) -> dict[str, Any]:
    return {"email": person.email, "password": PASSWORD}


ACTIONS = {
    action.key: action
    for action in (
        Action("signin", "sign in", "POST", "/api/auth/login", _credentials),
        Action("refresh", "refresh", "POST", "/api/auth/refresh", lambda person: {"refresh_token": person.refresh}),
        Action("whoami", "who am I", "GET", "/api/me"),
        Action("read", "read one task", "GET", "/api/users/{id}/tasks/{task_id}"),
        Action("list", "list 20 tasks", "GET", "/api/users/{id}/tasks?limit=20"),
        Action("unchanged", "list 20, unchanged", "GET", "/api/users/{id}/tasks?limit=20", known=True, status=304),
        Action(
            "create",
            "create a task",
            "POST",
            "/api/users/{id}/tasks",
            lambda _: {"title": "Buy milk and bread", "notes": NOTES},
            status=201,
        ),
    )
}
MIX = "mix"
#: Of twenty requests of the mix.
SHARES = {"list": 10, "read": 5, "whoami": 3, "create": 2}
#: Signing in where Taskward has the Argon2 that everybody else has too.
WITH_WHEEL = "signin_with_wheel"
TITLES = {
    "signin": ACTIONS["signin"].title,
    WITH_WHEEL: "sign in, pip's Argon2",
    **{key: action.title for key, action in ACTIONS.items()},
    MIX: "mix",
}
#: Better Auth has addresses of its own.
ELSEWHERE = {
    ("better_auth", "signin"): "/api/auth/sign-in/email",
    ("better_auth", "whoami"): "/api/auth/get-session",
}

#: Requests a second, ours ÷ theirs, that we want to reach.
GOALS = {
    "list": {"fastapi_sqlmodel": 4, "fastapi_sqlmodel_async": 2.8, "django_drf": 4, "floor": 0.75},
    "read": {"fastapi_sqlmodel": 3.5, "fastapi_sqlmodel_async": 2.6, "django_drf": 3.3, "floor": 0.75},
    "whoami": {"fastapi_sqlmodel": 3.5, "fastapi_sqlmodel_async": 2.6, "django_drf": 3.3, "better_auth": 3},
    "create": {"fastapi_sqlmodel": 2.3, "fastapi_sqlmodel_async": 1.9, "django_drf": 1.6},
    "signin": {"fastapi_sqlmodel": 1, "fastapi_sqlmodel_async": 1, "django_drf": 1, "floor": 0.95, "better_auth": 4},
}
#: The unchanged list ÷ our own list.
UNCHANGED_GOAL = 1.5


def requests(program: Program, key: str, people: Sequence[Person]) -> list[bytes]:
    """Return the requests that everybody sends, as bytes on the wire; of ``refresh`` the tokens alone."""
    if key == "refresh":
        return [person.refresh.encode() for person in people]
    if key != MIX:
        return [request(program, ACTIONS[key], person) for person in people]
    # Spread out, so that each kind is always under way.
    turn = sorted((place / share, name) for name, share in SHARES.items() for place in range(share))
    kinds = [name for _, name in turn]
    return [
        request(program, ACTIONS[kinds[number % len(kinds)]], person)
        for number, person in enumerate(person for person in people for _ in range(3))
    ]


def request(program: Program, action: Action, person: Person) -> bytes:
    """Return one person's request as bytes on the wire."""
    path = ELSEWHERE.get((program.key, action.key), action.path).format(id=person.id, task_id=person.task_id)
    headers = {"Host": "127.0.0.1"}
    if person.cookie:
        headers |= {"Cookie": person.cookie} if action.body is None else {"Origin": "http://127.0.0.1"}
    elif action.key not in ("signin", "refresh"):
        headers["Authorization"] = f"Bearer {person.access}"
    if action.known:
        headers["If-None-Match"] = person.etag or '"none"'
    body = b""
    if action.body is not None:
        values = action.body(person)
        if "refresh_token" in values:
            values = {program.refresh_field: values["refresh_token"]}
        body = json.dumps(values).encode()
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = (f"{action.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "")
    return "\r\n".join(lines).encode() + body
