"""How many requests a minute are answered: for one sign-in or network, and fewer for what costs more.

``RATE_LIMIT`` is what one sign-in may send in a minute, and one network (IPv4 /24, IPv6 /64) without a token; the other
limits are fractions of it. Not the person is counted: whoever stole a token, or wrote a program that somebody lets in,
could otherwise use up what the owner needs to put them out. For the same reason the ways out have a reserve of their
own. What is not counted: lists that did not change (304), files, health checks.

Counters are kept in each process, so that several workers together let through as many times more, or in Redis if
``REDIS_URL`` names one. If Redis does not answer, each process counts for itself until it does again: a limit that
becomes less exact is better than a service that is down. Guessing is not stopped here but in `services/throttle.py`.
"""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, request
from flask_limiter import Limit, Limiter, RateLimitExceeded, RequestLimit
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from app.extensions import db
from app.services import audit, known_devices, metrics, tokens
from app.services.errors import InvalidToken, TooManyRequests
from app.web import cookies
from app.web.access import bearer_token
from app.web.errors import on_service_error
from app.web.logs import ToStructlog


@dataclass(frozen=True)
class _Share:
    """A limit with counters of its own: its name, and which part of ``RATE_LIMIT`` a network or a sign-in gets."""

    name: str
    part: int
    of_sign_in: bool = False


_EVERYTHING = _Share("default", 1, of_sign_in=True)
_OAUTH = _Share("oauth", 2)
_REVOKE = _Share("revoke", 2)
_REGISTER = _Share("register", 20)
#: Path of a POST → its share: these cost a password hash, or answer with tokens.
_SHARES = {
    "/api/auth/register": _REGISTER,
    "/register": _REGISTER,
    "/api/auth/login": _Share("login", 10),
    "/login": _Share("login", 10),
    "/api/auth/refresh": _Share("refresh", 2),
    "/oauth/revoke": _REVOKE,
}
#: What may take seconds.
_TRANSFER = _Share("transfer", 20)
_TRANSFERS = ("transfer.export", "transfer.import_", "data.export", "data.import_")
#: What lets somebody see who is signed in and put them out; nothing else uses it up.
_WAYS_OUT = _Share("account", 10, of_sign_in=True)
#: What takes the password of somebody who is signed in, and so a hash.
_PROOFS = _Share("password", 10, of_sign_in=True)
_UNSAFE = ("POST", "PUT", "DELETE")
#: Endpoint → its share of unsafe methods. Changing one's address tells, as registering does, whether another is taken.
_UNSAFE_SHARES = {
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
_ONCE = RateLimitItemPerMinute(1)


def init_app(app: Flask) -> None:
    """Limit the requests of ``app``, and say in every answer how many are left (draft-ietf-httpapi-ratelimit-headers).

    The limiter belongs to the application and not to `app.extensions`, since it keeps settings and counters of its own.
    """
    if not app.config["RATE_LIMIT"]:
        return
    redis = app.config["REDIS_URL"]
    limiter = Limiter(
        _caller,
        default_limits=[
            Limit(_general, scope=_scope, shared=True, deduct_when=_has_news),
            Limit(_tight, scope=_scope, shared=True),
        ],
        request_identifier=lambda: request.endpoint or "nothing",
        storage_uri=redis or "memory://",
        storage_options=_redis_options() if redis else {},
        key_prefix="taskward",
        in_memory_fallback_enabled=bool(redis),
        swallow_errors=True,
    )
    limiter.request_filter(lambda: request.path in _UNCOUNTED)
    _let_speak(limiter.logger)

    @app.after_request  # before the limiter's own, since they run in reverse: those left are counted first
    def announce(response: Response) -> Response:
        if limiter.current_limit is not None:
            _announce(response, limiter.current_limit)
        return response

    @app.errorhandler(RateLimitExceeded)
    def refuse(_: RateLimitExceeded) -> AnyResponse:
        limit = limiter.current_limit
        metrics.throttled(_scope("")).inc()
        if limit is not None and _first_time(limiter, limit):
            _record()
        return on_service_error(TooManyRequests(_left(limit)[1] if limit else 60))

    limiter.init_app(app)


def _redis_options() -> dict[str, Any]:
    # Loading the client takes a tenth of a second, which whoever has no Redis need not wait.
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Redis is asked before every answer; one that is away must not keep everybody waiting.
    return {
        "socket_connect_timeout": 0.25,
        "socket_timeout": 0.25,
        "retry": Retry(NoBackoff(), 1),
        "wrap_exceptions": True,
    }


def _scope(_endpoint: str) -> str:
    return _share().name


def _share() -> _Share:
    if request.method in _UNSAFE and request.endpoint in _UNSAFE_SHARES:
        return _UNSAFE_SHARES[request.endpoint]
    if request.endpoint in _TRANSFERS:
        return _TRANSFER
    if request.endpoint in _ENDPOINTS_OUT:
        return _WAYS_OUT
    if request.method == "POST" and request.path in _SHARES:
        return _SHARES[request.path]
    return _OAUTH if request.path.startswith("/oauth/") else _EVERYTHING


def _general() -> str:
    return f"{current_app.config['RATE_LIMIT']} per minute" if _share() is _EVERYTHING else ""


def _tight() -> str:
    share = _share()
    return "" if share is _EVERYTHING else f"{max(1, current_app.config['RATE_LIMIT'] // share.part)} per minute"


def _has_news(response: AnyResponse) -> bool:
    return response.status_code not in (304, 429)


def _caller() -> str:
    """Return who is counted: the sign-in that a good token names, without asking the database, or else the network."""
    claims = _claims() if _share().of_sign_in else None
    return f"sign-in {claims['sid']}" if claims else _network()


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


def _network() -> str:
    return f"network {known_devices.network()}"


def _announce(response: Response, limit: RequestLimit) -> None:
    try:
        remaining, seconds = _left(limit)
    except StorageError:
        # The next request will notice, and count in this process.
        return
    name = _scope("")
    response.headers["RateLimit-Policy"] = f'"{name}";q={limit.limit.amount};w={limit.limit.get_expiry()}'
    response.headers["RateLimit"] = f'"{name}";r={remaining};t={seconds}'


def _left(limit: RequestLimit) -> tuple[int, int]:
    """Return how many requests are left, and for how many seconds that goes on."""
    until, remaining = limit.window
    return max(0, remaining), max(0, math.ceil(until - time.time()))


def _first_time(limiter: Limiter, limit: RequestLimit) -> bool:
    return limiter.limiter.hit(_ONCE, "told", limit.key)


def _record() -> None:
    claims, name = _claims(), _scope("")
    try:
        audit.record(audit.Event.RATE_LIMIT_EXCEEDED, UUID(claims["sub"]) if claims else None, limit=name)
    except SQLAlchemyError as error:
        # The account is gone, or the database is: no reason to answer anything but 429.
        db.session.rollback()
        current_app.logger.warning("an event was not recorded", exc_info=error)


def _let_speak(logger: logging.Logger) -> None:
    """Log that Redis went away or came back, but not each refusal, whose request line says enough."""
    handler = ToStructlog()
    handler.addFilter(lambda record: not record.msg.startswith("ratelimit "))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
