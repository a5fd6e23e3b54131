"""How many requests a minute are answered: for one sign-in or network, and fewer for what costs more.

``RATE_LIMIT`` is what one sign-in may send in a minute, and one network (IPv4 /24, IPv6 /64) without a token; the other
limits are fractions of it. Not the person is counted: whoever stole a token, or wrote a program that somebody lets in,
could otherwise use up what the owner needs to put them out. For the same reason the ways out have a reserve of their
own. What is not counted: lists that did not change (304), files, health checks.

Counters are kept in each process, so that several workers together let through as many times more, or in Redis if
``REDIS_URL`` names one. If Redis does not answer, each process counts for itself until it does again: a limit that
becomes less exact is better than a service that is down. Guessing is not stopped here but in `services/throttle.py`.
"""

import math
import time
from dataclasses import dataclass
from uuid import UUID

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from app.extensions import db
from app.services import audit, known_devices, metrics, tokens
from app.services.errors import InvalidToken, TooManyRequests
from app.web import cookies
from app.web.access import bearer_token
from app.web.errors import on_service_error
from app.web.windows import SECONDS, Windows


@dataclass(frozen=True)
class _Quota:
    """A limit with counters of its own: its name, and which part of ``RATE_LIMIT`` a network or a sign-in gets."""

    name: str
    part: int
    of_sign_in: bool = False


_EVERYTHING = _Quota("default", 1, of_sign_in=True)
_OAUTH = _Quota("oauth", 2)
_REVOKE = _Quota("revoke", 2)
_REGISTER = _Quota("register", 20)
#: Path of a POST → its quota: these cost a password hash, or take or answer with tokens.
_QUOTAS = {
    "/api/auth/register": _REGISTER,
    "/register": _REGISTER,
    "/api/auth/login": _Quota("login", 10),
    "/login": _Quota("login", 10),
    "/api/auth/refresh": _Quota("refresh", 2),
    "/oauth/revoke": _REVOKE,
}
#: What may take seconds.
_TRANSFER = _Quota("transfer", 20)
_TRANSFERS = ("transfer.export", "transfer.import_", "data.export", "data.import_")
#: What lets somebody see who is signed in and put them out; nothing else uses it up.
_WAYS_OUT = _Quota("account", 10, of_sign_in=True)
#: What takes the password of somebody who is signed in, and so a hash.
_PROOFS = _Quota("password", 10, of_sign_in=True)
_UNSAFE = ("POST", "PUT", "DELETE")
#: Endpoint → its quota of unsafe methods. Changing one's address tells, as registering does, whether another is taken.
_UNSAFE_QUOTAS = {
    "users_api.change_email": _REGISTER,
    "account.change_email": _REGISTER,
    **dict.fromkeys(("users_api.reauthenticate", "users_api.change_password", "users_api.delete"), _PROOFS),
    **dict.fromkeys(("account.confirm", "account.change_password", "account.delete"), _PROOFS),
}
_ENDPOINTS_OUT = (
    *("auth_api.logout", "users_api.sessions", "users_api.end_session", "users_api.end_other_sessions"),
    *("auth.logout", "account.index", "account.end_session", "account.end_other_sessions", "account.confirm"),
)
_UNCOUNTED = ("/healthz", "/readyz", "/metrics")


@dataclass(slots=True)
class _Counted:
    """What counts for a request: the quota, the counter, how much it allows, has used and until when (Unix time)."""

    quota: _Quota
    key: str
    allowed: int
    used: int
    until: float

    def seconds_left(self) -> int:
        return max(0, math.ceil(self.until - time.time()))


def init_app(app: Flask) -> None:
    """Limit the requests of ``app``, and say in every answer how many are left (draft-ietf-httpapi-ratelimit-headers).

    The counters belong to the application and not to `app.extensions`, since each application has its own.
    """
    if not app.config["RATE_LIMIT"]:
        return
    windows = Windows(app.config["REDIS_URL"])

    @app.before_request
    def check() -> AnyResponse | None:
        if request.path in _UNCOUNTED or request.endpoint == "static":
            return None
        quota = _quota()
        allowed = max(1, app.config["RATE_LIMIT"] // quota.part)
        key = f"{quota.name} {_caller(quota)}"
        # What is dear counts before it is done; of the rest, what had no news does not count.
        counts_now = quota is not _EVERYTHING
        used, until = windows.add(key) if counts_now else windows.used(key)
        g.counted = _Counted(quota, key, allowed, used, until)
        if used - counts_now < allowed:
            return None
        metrics.throttled(quota.name).inc()
        if windows.add(f"told {key}")[0] == 1:
            _record(quota)
        return on_service_error(TooManyRequests(g.counted.seconds_left()))

    @app.after_request
    def announce(response: Response) -> Response:
        counted: _Counted | None = g.get("counted")
        if counted is not None:
            if counted.quota is _EVERYTHING and response.status_code not in (304, 429):
                counted.used, counted.until = windows.add(counted.key)
            name, remaining = counted.quota.name, max(0, counted.allowed - counted.used)
            response.headers.add("RateLimit-Policy", f'"{name}";q={counted.allowed};w={SECONDS}')
            response.headers.add("RateLimit", f'"{name}";r={remaining};t={counted.seconds_left()}')
        return response


def _quota() -> _Quota:
    if request.method in _UNSAFE and request.endpoint in _UNSAFE_QUOTAS:
        return _UNSAFE_QUOTAS[request.endpoint]
    if request.endpoint in _TRANSFERS:
        return _TRANSFER
    if request.endpoint in _ENDPOINTS_OUT:
        return _WAYS_OUT
    if request.method == "POST" and request.path in _QUOTAS:
        return _QUOTAS[request.path]
    return _OAUTH if request.path.startswith("/oauth/") else _EVERYTHING


def _caller(quota: _Quota) -> str:
    """Return who is counted: the sign-in that a good token names, without asking the database, or else the network."""
    claims = _claims() if quota.of_sign_in else None
    return f"sign-in {claims['sid']}" if claims else f"network {known_devices.network()}"


def _claims() -> tokens.Claims | None:
    if request.path.startswith("/api/"):
        presented = [(bearer_token(), tokens.ACCESS)]
    else:
        # Who comes back after a while has only the refresh token left.
        presented = [(cookies.access_token(), tokens.ACCESS), (cookies.refresh_token(), tokens.REFRESH)]
    for raw, typ in presented:
        try:
            if raw:
                return tokens.verify(raw, typ)
        except InvalidToken:
            continue
    return None


def _record(quota: _Quota) -> None:
    claims = _claims()
    try:
        audit.record(audit.Event.RATE_LIMIT_EXCEEDED, UUID(claims["sub"]) if claims else None, limit=quota.name)
    except SQLAlchemyError as error:
        # The account is gone, or the database is: no reason to answer anything but 429.
        db.session.rollback()
        current_app.logger.warning("an event was not recorded", exc_info=error)
