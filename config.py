"""Settings: every environment variable Taskward reads, checked once at start-up.

``load()`` turns the environment into Flask's config mapping or raises `ConfigError`, whose text names the variable
and says what it accepts. Nothing else in the project reads the environment.
"""

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

VERSION = "0.1.0"
# OWASP's smallest argon2id work (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
ARGON2_MEMORY_FLOOR_KIB = 19_456
ARGON2_TIME_FLOOR = 2


class ConfigError(ValueError):
    """A setting has a value Taskward cannot run with; the text names the variable and what it accepts."""


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read every setting and return Flask's config mapping.

    Creates the instance directory, and in it `secret_key` when no ``SECRET_KEY`` is given.

    Raises:
        ConfigError: a value is unusable.
    """
    env = os.environ if environ is None else environ
    instance = instance_path(env)
    public_url = _public_url(env)
    https = public_url.startswith("https://")
    cookie_prefix = "__Host-" if https else ""
    threads = _integer(env, "THREADS", 16, 1, 64)
    return {
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": _secret_key(env, instance),
        "SQLALCHEMY_DATABASE_URI": _database_url(env, instance),
        "DATABASE_POOL_SIZE": _integer(env, "DATABASE_POOL_SIZE", threads, 1, 256),
        "PG_BINDIR": _directory(env, "PG_BINDIR"),
        "PUBLIC_URL": public_url,
        "HTTPS": https,
        "PROXY_HOPS": _integer(env, "PROXY_HOPS", 0, 0, 10),
        "RATE_LIMIT": _integer(env, "RATE_LIMIT", 600, 0, 1_000_000),
        "REDIS_URL": _redis_url(env),
        "METRICS_TOKEN": _random("METRICS_TOKEN", env["METRICS_TOKEN"]) if env.get("METRICS_TOKEN") else None,
        "METRICS_BIND": _metrics_bind(env),
        "LOG_LEVEL": _choice(env, "LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        "REGISTRATION_OPEN": _boolean(env, "REGISTRATION_OPEN", default=True),
        "OAUTH_PASSWORD_GRANT": _boolean(env, "OAUTH_PASSWORD_GRANT", default=False),
        "MAINTENANCE": _boolean(env, "MAINTENANCE", default=True),
        "TRASH_KEPT": _days(env, "TRASH_KEEP_DAYS", 30),
        "EVENTS_KEPT": _days(env, "EVENTS_KEEP_DAYS", 365),
        "ACCESS_TOKEN_TTL": timedelta(seconds=_integer(env, "ACCESS_TOKEN_TTL", 900, 60, 3600)),
        "REFRESH_IDLE": timedelta(days=_integer(env, "REFRESH_IDLE_DAYS", 30, 1, 365)),
        "REFRESH_ABSOLUTE": timedelta(days=_integer(env, "REFRESH_ABSOLUTE_DAYS", 90, 1, 730)),
        "REFRESH_GRACE": timedelta(seconds=_integer(env, "REFRESH_GRACE", 30, 0, 600)),
        "ARGON2_MEMORY_KIB": _integer(
            env, "ARGON2_MEMORY_KIB", ARGON2_MEMORY_FLOOR_KIB, ARGON2_MEMORY_FLOOR_KIB, 1_048_576
        ),
        "ARGON2_TIME_COST": _integer(env, "ARGON2_TIME_COST", ARGON2_TIME_FLOOR, ARGON2_TIME_FLOOR, 100),
        # A worker's share of the cores.
        "HASHES_AT_ONCE": max(1, cores() // _workers(env)),
        "SESSION_COOKIE_NAME": f"{cookie_prefix}taskward_form",
        "ACCESS_COOKIE_NAME": f"{cookie_prefix}taskward_access",
        "REFRESH_COOKIE_NAME": f"{cookie_prefix}taskward_refresh",
        "DEVICE_COOKIE_NAME": f"{cookie_prefix}taskward_device",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        # The longest honest body is a full task: 20 000 characters of notes, each up to 12 bytes once escaped.
        "MAX_CONTENT_LENGTH": 512 * 1024,
        "MAX_FORM_MEMORY_SIZE": 512 * 1024,
        # The form token is bound to the session cookie, which ends with the browser or at sign-out.
        "WTF_CSRF_TIME_LIMIT": None,
        # By itself it would look at every request, and be told of all that needs no token: see app/web/origin.py.
        "WTF_CSRF_CHECK_DEFAULT": False,
        # All that is ever accepted; of these, a token's header must name the one of the key it was signed with.
        "JWT_DECODE_ALGORITHMS": ["HS256", "RS256", "ES256", "EdDSA"],
        "JWT_TOKEN_LOCATION": ["headers"],
        **dict.fromkeys(("JWT_ENCODE_ISSUER", "JWT_DECODE_ISSUER"), public_url),
        **dict.fromkeys(("JWT_ENCODE_AUDIENCE", "JWT_DECODE_AUDIENCE"), public_url),
        "JWT_ENCODE_NBF": False,
        # The API reads no cookie and the pages have Flask-WTF; a token needs no CSRF claim.
        "JWT_COOKIE_CSRF_PROTECT": False,
        # Two app servers may disagree by a few seconds about what time it is.
        "JWT_DECODE_LEEWAY": 5,
    }


def server(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what gunicorn needs: addresses, whether there are metrics, number of workers, threads of each.

    Raises:
        ConfigError: a value is unusable.
    """
    env = os.environ if environ is None else environ
    host, port = _listen(env)
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "metrics_bind": _metrics_bind(env),
        "metrics": bool(env.get("METRICS_BIND") or env.get("METRICS_TOKEN")),
        "workers": _workers(env),
        "threads": _integer(env, "THREADS", 16, 1, 64),
    }


def _workers(env: Mapping[str, str]) -> int:
    return _integer(env, "WEB_CONCURRENCY", min(cores(), 8), 1, 64)


def cores(root: Path = Path("/")) -> int:
    """Return how many processors this process may use: by its affinity, and by the quotas of its control groups.

    The latter (``cpu.max``, cgroup v2) is how the CPUs of a container, a systemd service or a slice are limited. A part
    of one counts as one.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError):
        group = Path((root / "proc/self/cgroup").read_text().partition("0::/")[2].split("\n")[0])
        for each in (group, *group.parents):
            with suppress(OSError, ValueError):  # there is none, or it is "max"
                quota, period = (root / "sys/fs/cgroup" / each / "cpu.max").read_text().split()
                allowed = min(allowed, -(-int(quota) // int(period)))
    return allowed


@cache
def counters_directory() -> str:
    """Make the directory in which the processes of one server count, before prometheus-client is imported."""
    shared = "/dev/shm"  # noqa: S108 - mkdtemp() follows
    path = tempfile.mkdtemp(prefix="taskward-counters-", dir=shared if os.access(shared, os.W_OK) else None)
    # Held as long as one of them lives; what a killed server left behind is told by it.
    fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = path
    return path


def instance_path(env: Mapping[str, str] | None = None) -> Path:
    """Return the absolute directory of database and secrets, made (mode 0700) if missing.

    Raises:
        ConfigError: it cannot be created or written.
    """
    env = os.environ if env is None else env
    path = Path(env.get("INSTANCE_PATH") or Path(__file__).parent / "instance").absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"INSTANCE_PATH: cannot create the directory {path}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"INSTANCE_PATH: the directory {path} is not writable for uid {os.getuid()}")
    return path


def _secret_key(env: Mapping[str, str], instance: Path) -> str:
    given = env.get("SECRET_KEY")
    if given is not None:
        return _random("SECRET_KEY", given)
    path = instance / "secret_key"
    try:
        return _kept_secret(path, lambda: secrets.token_urlsafe(32))
    except OSError as error:
        raise ConfigError(f"SECRET_KEY: not set, and {path} cannot be used: {error.strerror}") from error


def _random(name: str, given: str) -> str:
    if len(given) < 32 or len(set(given)) < 8 or not given.isascii():
        raise ConfigError(
            f"{name}: must be at least 32 random characters, all of them ASCII; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return given


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; if there is none yet, exactly one of the processes that ask gets to write it."""
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link appears whole or not at all, and never replaces another process's.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    text = path.read_text(errors="replace").strip()
    if len(text) < 32 or not text.isascii():
        raise ConfigError(f"SECRET_KEY: {path} is damaged; restore it or delete it to sign everybody out")
    return text


def _database_url(env: Mapping[str, str], instance: Path) -> str:
    raw = env.get("DATABASE_URL") or f"sqlite:///{instance / 'taskward.db'}"
    accepts = "DATABASE_URL: accepts postgresql://user:password@host:5432/name or sqlite:////absolute/path.db"
    try:
        url = make_url(raw)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(accepts) from error
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg2"):
        return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    if (
        url.drivername in ("sqlite", "sqlite+pysqlite")
        and url.database
        and Path(url.database.removeprefix("file:")).is_absolute()
    ):
        return url.render_as_string(hide_password=False)
    raise ConfigError(accepts)


def _directory(env: Mapping[str, str], name: str) -> str | None:
    raw = env.get(name) or None
    if raw and not Path(raw).is_absolute():
        raise ConfigError(f"{name}: accepts the absolute path of a directory, not {raw!r}")
    return raw


def _redis_url(env: Mapping[str, str]) -> str | None:
    raw = env.get("REDIS_URL")
    if not raw:
        return None
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018 - urlsplit checks the port only when asked for it
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not re.fullmatch(r"/?\d*", parts.path):
        raise ConfigError("REDIS_URL: accepts redis://user:password@host:6379/0 or the same with rediss:// for TLS")
    if parts.query or parts.fragment:
        raise ConfigError("REDIS_URL: accepts no options after the number of the database")
    return raw


def _metrics_bind(env: Mapping[str, str]) -> str | None:
    raw = env.get("METRICS_BIND")
    parsed = re.fullmatch(r"(?:[\w.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})", raw, re.ASCII) if raw else None
    if raw and not (parsed and 0 < int(parsed[1]) < 65536 and int(parsed[1]) != _listen(env)[1]):
        raise ConfigError("METRICS_BIND: accepts an address and another port than PORT, like 127.0.0.1:9100")
    return raw or None


def _listen(env: Mapping[str, str]) -> tuple[str, int]:
    host = env.get("HOST") or "127.0.0.1"
    if not re.fullmatch(r"[\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*", host, re.ASCII):
        raise ConfigError("HOST: accepts an address or a host name, like 127.0.0.1, 0.0.0.0 or ::")
    return host, _integer(env, "PORT", 8000, 1, 65535)


def _public_url(env: Mapping[str, str]) -> str:
    host, port = _listen(env)
    default_host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    default_host = f"[{default_host}]" if ":" in default_host else default_host
    raw = (env.get("PUBLIC_URL") or f"http://{default_host}:{port}").strip().rstrip("/")
    accepts = "PUBLIC_URL: accepts the address people type, like https://tasks.example.org (no path, no query)"
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018 - urlsplit checks the port only when asked for it
    except ValueError as error:
        raise ConfigError(accepts) from error
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or extra or not re.fullmatch(r"[!-~]+", raw):
        raise ConfigError(accepts)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = env.get(name) or str(default)
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9 and low <= int(raw) <= high):
        raise ConfigError(f"{name}: accepts a whole number from {low} to {high}, not {raw!r}")
    return int(raw)


def _days(env: Mapping[str, str], name: str, default: int) -> timedelta | None:
    """Return for how long to keep something; None, given as 0, means for ever."""
    return timedelta(days=_integer(env, name, default, 0, 3650)) or None


def _boolean(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    return _choice(env, name, "1" if default else "0", ("0", "1")) == "1"


def _choice(env: Mapping[str, str], name: str, default: str, accepted: tuple[str, ...]) -> str:
    raw = env.get(name) or default
    if raw not in accepted:
        raise ConfigError(f"{name}: accepts {' or '.join(accepted)}, not {raw!r}")
    return raw
