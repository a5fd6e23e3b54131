"""Checks of settings, files and the machine, each about one thing; None: it does not apply here."""

import os
import resource
import shutil
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import make_url

import config
from app.services import passwords, pools
from app.services.findings import Finding, fail, ok, warn

_MB = 1_000_000
#: Free space below which writing will soon fail, and below which somebody should look.
_HARDLY_ANY, _LITTLE = 100 * _MB, 1000 * _MB
#: Guesses beyond which a secret looks random; zxcvbn gives a little more to the 32 hexadecimal digits of 128 bits.
_UNGUESSABLE = 2**90
#: Seconds for a password above which people notice that they wait.
_LONG_HASH = 0.5
#: File descriptors of a worker for clients, modules, logs and sockets in passing.
_OTHER_FILES = 256


def settings() -> Finding:
    """Does every variable have a value that is accepted?"""
    cure = "Correct the variable, or unset it to have its default; README.md lists all under Configuration."
    try:
        config.server()
        fault = current_app.extensions.get("settings fault")
    except config.ConfigError as error:
        fault = str(error)
    return fail(fault, cure) if fault else ok("every variable has a value that is accepted")


def secret_key() -> Finding:
    """Is the secret one that nobody can guess, and only this user can read?"""
    if passwords.guesses(current_app.config["SECRET_KEY"]) < _UNGUESSABLE:
        how = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        return warn("SECRET_KEY does not look random; whoever guesses it signs in as anybody", f"Make another: {how}")
    path = Path(current_app.config["INSTANCE_PATH"], "secret_key")
    if not path.exists() or path.read_text(errors="replace").strip() != current_app.config["SECRET_KEY"]:
        return ok("SECRET_KEY is given by the environment")
    if path.stat().st_mode & 0o077:
        return fail(f"others can read {path}, and with it sign in as anybody", f"Run: chmod 600 {path}")
    return ok(f"in {path}, for this user only")


def instance_directory() -> Finding:
    """Can nobody else look into the directory of database and secrets?"""
    path = Path(current_app.config["INSTANCE_PATH"])
    if path.stat().st_mode & 0o077:
        return warn(f"others can look into {path}", f"Run: chmod 700 {path}")
    return ok(f"{path}, for this user only")


def public_address() -> Finding:
    """Do passwords and tokens travel encrypted?"""
    url = current_app.config["PUBLIC_URL"]
    host = urlsplit(url).hostname or ""
    if current_app.config["HTTPS"]:
        return ok(f"{url}; cookies are sent over https only")
    if host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost"):
        return ok(f"{url}, on this machine only")
    return warn(
        f"{url}: passwords and tokens can be read on their way, and cookies are not Secure",
        "Put a proxy that speaks TLS in front, and set PUBLIC_URL to its https:// address and PROXY_HOPS=1.",
    )


def proxy() -> Finding:
    """Are forwarded headers believed exactly if there is a proxy?"""
    hops = current_app.config["PROXY_HOPS"]
    if current_app.config["HTTPS"] and not hops:
        return warn(
            "PUBLIC_URL is https, so there is a proxy, but PROXY_HOPS=0: everybody seems to come from its address, "
            "and shares one limit",
            "Set PROXY_HOPS to the number of your proxies, mostly 1.",
        )
    return ok(f"{hops} of the forwarded headers are believed" if hops else "no forwarded header is believed")


def request_limits() -> Finding:
    """Are requests limited?"""
    limit, workers = current_app.config["RATE_LIMIT"], config.server()["workers"]
    if not limit:
        return warn("RATE_LIMIT=0: nothing limits how much one client can ask", "Unset RATE_LIMIT, or set it to 600.")
    if workers > 1 and not current_app.config["REDIS_URL"]:
        most = f"a client may send up to {workers * limit} requests a minute instead of {limit}"
        return ok(f"{workers} workers count for themselves: {most}; REDIS_URL would let them count together")
    return ok(f"{limit} requests a minute")


def redis() -> Finding | None:
    """Does Redis answer?"""
    url = current_app.config["REDIS_URL"]
    if not url:
        return None
    # Every command and worker would load the client with this module, which takes a tenth of a second.
    from redis import Redis, RedisError

    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or 6379}"
    started = time.perf_counter()
    try:
        with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as server:
            server.ping()
            took = (time.perf_counter() - started) * 1000
            version = server.info("server")["redis_version"]
    except RedisError as error:
        reason = str(error).partition("\n")[0]
        cure = "Start Redis, correct REDIS_URL, or unset it; until then each worker counts requests for itself."
        return fail(f"{where} does not answer as it should: {reason}", cure)
    return ok(f"{version} at {where}, answered in {took:.1f} ms")


def disk_space() -> Finding:
    """Is there room to write?"""
    url = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"])
    places = {current_app.config["INSTANCE_PATH"], tempfile.gettempdir()}
    if url.get_backend_name() == "sqlite" and url.database:
        places.add(str(Path(url.database).parent))
    free = {place: shutil.disk_usage(place).free for place in places if os.path.isdir(place)}
    place = min(free, key=lambda each: free[each])
    text = f"{free[place] / _MB:.0f} MB free in {place}"
    cure = "Make room there; what cannot be written is refused, and nothing that was saved is lost."
    if free[place] < _HARDLY_ANY:
        return fail(text, cure)
    return warn(text, cure) if free[place] < _LITTLE else ok(text)


def open_files() -> Finding:
    """May a worker open as many files as it may need?"""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A connection to SQLite is three files: the database, its log and the log's index.
    files = 3 if current_app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else 1
    needed = 2 * pools.limit() * files + 2 * config.server()["threads"] + _OTHER_FILES
    if limit != resource.RLIM_INFINITY and limit < needed:
        cure = f"Raise it where the server is started: ulimit -n {needed}, or LimitNOFILE= of systemd."
        return warn(f"a process started from here may open {limit} files, a busy worker needs {needed}", cure)
    return ok(f"{limit if limit != resource.RLIM_INFINITY else 'any number'} may be open, {needed} are needed")


def password_hashing() -> Finding:
    """Does a sign-in wait long for its password to be hashed?"""
    stored = passwords.hash_password("the password of nobody")
    started = time.perf_counter()
    passwords.verify(stored, "the password of nobody")
    took = time.perf_counter() - started
    memory, passes = current_app.config["ARGON2_MEMORY_KIB"], current_app.config["ARGON2_TIME_COST"]
    text = f"{took * 1000:.0f} ms of a core for each password ({memory} KiB, {passes} passes)"
    if took > _LONG_HASH:
        return warn(text, "Lower ARGON2_TIME_COST or ARGON2_MEMORY_KIB: meanwhile the core does nothing else.")
    for_any_processor = "manylinux" in (distribution("argon2-cffi-bindings").read_text("WHEEL") or "")
    return ok(f"{text}; less, mostly, after deploy/build-argon2" if for_any_processor else text)
