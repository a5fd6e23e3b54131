"""The rows that every program serves, and tokens for the people in them."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import jwt
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select

import config
from app import create_app
from app.extensions import db
from app.models import BlockedToken, Priority, Task, User, utcnow
from app.services import bulk, passwords, sign_ins, tokens
from app.services.clients import FIRST_PARTY
from bench import installation
from bench.programs import OURS, ROOT, Program
from bench.servers import PASSWORD, SECRET, environment

PEOPLE, TASKS, BLOCKED = 200, 100, 1000
NOTES = "Something about this task that is about eighty characters long and quite ordinary."


@dataclass(frozen=True)
class Person:
    """Somebody with tasks: id, address, the id of one task, and what proves to a program that it is them."""

    id: str
    email: str
    task_id: str
    access: str = ""
    refresh: str = ""
    cookie: str = ""
    etag: str = ""


def application(database_url: str, instance: Path) -> Flask:
    """Return Taskward itself, in this process, over a database."""
    given = environment(OURS, database_url, instance) | {"LOG_LEVEL": "error"}
    return create_app(config.load(given))


def fill(app: Flask) -> list[Person]:
    """Make the schema and the rows: 200 people, each with 100 tasks, and a thousand blocked tokens."""
    people = []
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        password_hash = passwords.hash_password(PASSWORD)
        for number in range(PEOPLE):
            email = f"user{number}@example.org"
            user = User(email=email, email_key=email, name=f"User {number}", password_hash=password_hash)
            db.session.add(user)
            db.session.commit()
            bulk.create_many(user.id, [_task(number, place) for place in range(TASKS)])
            task = db.session.scalar(select(Task.id).where(Task.user_id == user.id).limit(1))
            people.append(Person(str(user.id), email, str(task)))
        later = utcnow() + timedelta(days=1)
        db.session.execute(insert(BlockedToken), [{"jti": str(uuid4()), "expires_at": later} for _ in range(BLOCKED)])
        db.session.commit()
        with db.read() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        db.session.remove()
        db.dispose()
    return people


def _task(owner: int, place: int) -> dict[str, object]:
    return {
        "title": f"Task {place} of user {owner}: buy milk and bread",
        "notes": NOTES,
        "priority": Priority(place % 4),
        "due_date": date(2027, 1, 1) + timedelta(days=place) if place % 2 else None,
        "tags": ["home"] if place % 5 == 0 else [],
        "completed": place % 3 == 0,
    }


def signed_in(app: Flask, people: Sequence[Person]) -> list[Person]:
    """Return the people with fresh tokens of Taskward."""
    with app.app_context():
        found = []
        for person in people:
            pair = tokens.issue(sign_ins.start(UUID(person.id), "api", FIRST_PARTY.id))
            found.append(replace(person, access=pair.access_token, refresh=pair.refresh_token))
        db.session.commit()
        db.session.remove()
    return found


def with_tokens(people: Sequence[Person]) -> list[Person]:
    """Return the people with fresh tokens of the kind that peers issue."""
    return [replace(each, access=token(each.id, "access"), refresh=token(each.id, "refresh")) for each in people]


def token(user_id: str, kind: str) -> str:
    """Return a token as peers issue it, good for a day."""
    now = int(time.time())
    claims = {"sub": user_id, "jti": str(uuid4()), "type": kind, "iat": now, "exp": now + 86400}
    return jwt.encode(claims, SECRET, "HS256")


def with_cookies(people: Sequence[Person], program: Program, database_url: str) -> list[Person]:
    """Make the tables and accounts of Better Auth; return the people with cookies of sessions there."""
    place = installation.directory(program)
    seed = subprocess.run(
        ["node", "seed.mjs"],  # noqa: S607
        cwd=place,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | environment(program, database_url, place),
        input="".join(f"{person.id}\t{person.email}\n" for person in people),
        capture_output=True,
        text=True,
        check=False,
    )
    if seed.returncode:
        raise RuntimeError(f"{program.title} cannot make its tables:\n{seed.stderr[-2000:]}")
    return [replace(person, cookie=cookie) for person, cookie in zip(people, seed.stdout.split(), strict=True)]
