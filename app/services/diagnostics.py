"""A check-up of the whole installation: every check in turn, whatever the others found."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.services import database_checks, host_checks
from app.services.findings import Finding, Status, fail


class Check(NamedTuple):
    """A check; not run if the one that it needs failed or was not run."""

    name: str
    run: Callable[[], Finding | None]
    needs: str | None = "settings"


CHECKS = (
    Check("settings", host_checks.settings, None),
    Check("secret key", host_checks.secret_key),
    Check("instance directory", host_checks.instance_directory),
    Check("public address", host_checks.public_address),
    Check("proxy", host_checks.proxy),
    Check("request limits", host_checks.request_limits),
    Check("redis", host_checks.redis),
    Check("disk space", host_checks.disk_space),
    Check("open files", host_checks.open_files),
    Check("password hashing", host_checks.password_hashing),
    Check("database file", database_checks.sqlite_file),
    Check("database", database_checks.reachable, "database file"),  # asking would make an empty one
    Check("integrity", database_checks.integrity, "database"),
    Check("connections", database_checks.connections, "database"),
    Check("backups", database_checks.backups, "database"),
    Check("revision", database_checks.revision, "integrity"),
    Check("writing", database_checks.writing, "revision"),
    Check("clock", database_checks.clock, "revision"),
    Check("signing keys", database_checks.keys, "revision"),
)


class Result(NamedTuple):
    """What a check found; in JSON each of these is a field."""

    name: str
    status: Status
    finding: str
    cure: str | None


def run() -> list[Result]:
    """Run every check against the current application; never raises, and shows no secret.

    Leaves out checks that do not apply, such as that of Redis where none is used.
    """
    found = []
    failed: set[str | None] = set()
    left_out = []
    for check in CHECKS:
        if check.needs in failed:
            left_out.append(check.name)
            failed.add(check.name)
        elif finding := _safely(check):
            found.append(Result(check.name, finding.status, _discreet(finding.text), finding.cure))
            if finding.status == "fail":
                failed.add(check.name)
    if left_out:
        found.append(Result("not checked", "warn", ", ".join(left_out), "Mend what failed first."))
    return found


def _safely(check: Check) -> Finding | None:
    try:
        return check.run()
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide what the others find
        cure = "Mend what else is reported and try again; if it stays, report it as a bug."
        return fail(f"could not be checked ({type(error).__name__})", cure)


def _discreet(text: str) -> str:
    """Return the text without the secrets of the settings, should a driver have repeated one."""
    settings = current_app.config
    urls = (settings.get("SQLALCHEMY_DATABASE_URI"), settings.get("REDIS_URL"))
    passwords = [urlsplit(url).password for url in urls if url]
    secrets = {
        settings.get("SECRET_KEY"),
        settings.get("METRICS_TOKEN"),
        *passwords,
        *(unquote(p or "") for p in passwords),
    }
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text
