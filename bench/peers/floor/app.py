"""The floor: what is left when a Python web service has no framework at all.

Bare WSGI, PyJWT, and for each request one statement written by hand, which also asks whether the token is blocked.
"""

import os
import queue
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import jwt
import orjson
import psycopg2
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

SECRET = os.environ["JWT_SECRET"]
LIFETIMES = {"access": 900, "refresh": 30 * 86400}
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
COLUMNS = (
    "id::text AS id, title, notes, priority, due_date, due_time, NULL::timestamptz AS due_at, tags,"
    " completed_at IS NOT NULL AS completed, completed_at, deleted_at, created_at, updated_at, rev"
)
UNBLOCKED = "NOT EXISTS (SELECT 1 FROM blocked_tokens WHERE jti = %s)"
LIST = (
    f"SELECT {COLUMNS} FROM tasks WHERE user_id = %s AND deleted_at IS NULL AND completed_at IS NULL AND {UNBLOCKED}"
    " ORDER BY due_sort, id LIMIT %s"
)
READ = f"SELECT {COLUMNS} FROM tasks WHERE user_id = %s AND id = %s AND {UNBLOCKED}"
CREATE = (
    "INSERT INTO tasks (user_id, id, title, title_sort, notes, priority, due_sort, tags, created_at, updated_at, rev)"
    f" SELECT %s, %s, %s, %s, %s, %s, '9999-12-31T99:99', '[]', now(), now(), 1 WHERE {UNBLOCKED} RETURNING {COLUMNS}"
)
ME = f"SELECT id::text AS id, email, name, timezone, theme, created_at FROM users WHERE id = %s AND {UNBLOCKED}"
SIGN_IN = "SELECT id::text AS id, password_hash FROM users WHERE email_key = %s"
BLOCK = "INSERT INTO blocked_tokens (jti, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING jti"

_connections: "queue.LifoQueue[Any]" = queue.LifoQueue()
for _ in range(16):
    _connections.put(None)


class Refused(Exception):
    """The answer is a status without a body."""


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    try:
        status, answer = route(environ, environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/")[2:])
        body = orjson.dumps(answer)
    except Refused as refused:
        status, body = str(refused), b"{}"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def route(environ: dict[str, Any], method: str, path: list[str]) -> tuple[str, Any]:
    if path == ["auth", "login"]:
        return "200 OK", login(sent(environ))
    if path == ["auth", "refresh"]:
        return "200 OK", refresh(sent(environ))
    claims = verified(environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "), "access")
    me, jti = claims["sub"], claims["jti"]
    if path == ["me"]:
        return "200 OK", one(ME, me, jti)
    if path[1] != me:
        raise Refused("403 Forbidden")
    if len(path) == 4:
        return "200 OK", one(READ, me, str(UUID(path[3])), jti)
    if method == "GET":
        rows = run(LIST, me, jti, 20)
        if not rows:
            one(ME, me, jti)  # no tasks, or a blocked token
        return "200 OK", {"items": rows}
    task = sent(environ)
    title, notes = task["title"], task.get("notes", "")
    if not isinstance(title, str) or not 1 <= len(title) <= 500 or not isinstance(notes, str):
        raise Refused("422 Unprocessable Content")
    values = me, str(uuid4()), title, title.casefold()[:100], notes, int(task.get("priority", 0)), jti
    return "201 Created", one(CREATE, *values)


def login(body: dict[str, str]) -> dict[str, str]:
    users = run(SIGN_IN, body["email"].casefold())
    try:
        HASHER.verify(users[0]["password_hash"], body["password"])
    except (VerifyMismatchError, IndexError) as error:
        raise Refused("401 Unauthorized") from error
    return token_pair(users[0]["id"])


def refresh(body: dict[str, str]) -> dict[str, str]:
    claims = verified(body["refresh_token"], "refresh")
    one(BLOCK, claims["jti"], datetime.fromtimestamp(claims["exp"], UTC))
    return token_pair(claims["sub"])


def token_pair(user_id: str) -> dict[str, str]:
    now = int(time.time())
    shared = {"sub": user_id, "iat": now}
    return {
        f"{kind}_token": jwt.encode(
            shared | {"jti": str(uuid4()), "type": kind, "exp": now + lifetime}, SECRET, algorithm="HS256"
        )
        for kind, lifetime in LIFETIMES.items()
    }


def verified(token: str, kind: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise Refused("401 Unauthorized") from error
    if claims["type"] != kind:
        raise Refused("401 Unauthorized")
    return claims


def sent(environ: dict[str, Any]) -> Any:
    return orjson.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def one(statement: str, *values: Any) -> dict[str, Any]:
    rows = run(statement, *values)
    if not rows:
        raise Refused("401 Unauthorized")
    return rows[0]


def run(statement: str, *values: Any) -> list[dict[str, Any]]:
    connection = _connections.get()
    try:
        if connection is None:
            connection = psycopg2.connect("")
            connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        _connections.put(connection)
