"""The programs that are measured, and how each is started with two workers."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
#: What peers need is installed here, each for itself; git does not see it.
INSTALLED = ROOT / "bench" / ".peers"
WORKERS = 2

_EVERYTHING = ("signin", "refresh", "whoami", "read", "list", "unchanged", "create", "mix")


@dataclass(frozen=True)
class Program:
    """A program under measurement.

    Args:
        key: its name in results.json.
        title: its name in tables.
        directory: where it is started.
        command: what starts it; ``{python}`` is its own interpreter, ``{port}`` where it has to listen.
        environment: what it needs beside the address of its database.
        names: packages whose pinned versions describe it.
        actions: what it can be asked for.
        driver: of SQLAlchemy's address of the database.
        prepare: what adds tables of its own to the database.
        refresh_field: the field of the body in which it takes a refresh token.
    """

    key: str
    title: str
    directory: Path
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    actions: tuple[str, ...] = _EVERYTHING
    driver: str = "postgresql+psycopg2"
    refresh_field: str = "refresh_token"
    prepare: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is Taskward."""
        return self.directory == ROOT

    @property
    def python(self) -> str:
        """The interpreter it runs under."""
        return sys.executable if self.ours else str(INSTALLED / self.directory.name / "bin" / "python")


# Threads as Taskward has them; uvicorn and Node decide for themselves.
_GUNICORN = ("{python}", "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", str(WORKERS), "--threads", "16")
_UVICORN = ("{python}", "-m", "uvicorn", "--port", "{port}", "--workers", str(WORKERS), "--no-access-log")
_TASKWARD = ("{python}", "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
_FASTAPI = ("fastapi", "sqlmodel", "PyJWT", "uvicorn", "uvloop")

OURS = Program("taskward", "Taskward", ROOT, _TASKWARD, {"RATE_LIMIT": "0"}, ("Flask", "SQLAlchemy", "gunicorn"))
#: What the limit costs: high enough to refuse nobody, and counting everybody.
LIMITED = Program(
    "taskward_limited",
    "Taskward, its rate limit on",
    ROOT,
    _TASKWARD,
    {"RATE_LIMIT": "1000000"},
    actions=("whoami", "list", "unchanged", "create"),
)
#: With the Argon2 that the peers have too, in place of the one that `make` builds.
WHEEL = Program(
    "taskward_wheel",
    "Taskward, Argon2 as pip brings it",
    ROOT,
    _TASKWARD,
    OURS.environment | {"PYTHONPATH": str(INSTALLED / "argon2")},
    actions=("signin",),
)
RIVALS = (
    Program(
        "fastapi_sqlmodel",
        "FastAPI + SQLModel + PyJWT",
        PEERS / "fastapi_sqlmodel",
        (*_UVICORN, "main:app"),
        names=(*_FASTAPI, "psycopg2-binary"),
    ),
    Program(
        "fastapi_sqlmodel_async",
        "FastAPI + SQLModel, asyncpg",
        PEERS / "fastapi_sqlmodel",
        (*_UVICORN, "main_async:app"),
        names=(*_FASTAPI, "asyncpg"),
        driver="postgresql+asyncpg",
    ),
    Program(
        "django_drf",
        "Django + DRF + SimpleJWT",
        PEERS / "django_drf",
        (*_GUNICORN, "wsgi:application"),
        {"DJANGO_SETTINGS_MODULE": "settings"},
        names=("Django", "djangorestframework", "djangorestframework_simplejwt", "gunicorn"),
        refresh_field="refresh",
        prepare=("{python}", "-m", "django", "migrate", "token_blacklist", "--verbosity", "0"),
    ),
    Program(
        "better_auth",
        "Better Auth on Node",
        PEERS / "better_auth",
        ("node", "server.mjs"),
        {"WORKERS": str(WORKERS), "NODE_ENV": "production"},
        ("better-auth", "pg"),
        actions=("signin", "whoami"),
    ),
    Program(
        "floor",
        "floor: bare WSGI, one statement",
        PEERS / "floor",
        (*_GUNICORN, "app:app"),
        names=("PyJWT", "psycopg2-binary", "gunicorn"),
    ),
)
