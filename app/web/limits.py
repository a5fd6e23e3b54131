"""How many requests a minute are answered: for one person or network, and fewer where no token is needed.

``RATE_LIMIT`` is what one signed-in person may send in a minute, and one network (IPv4 /24, IPv6 /64) without a token;
the limits of `_SHARES` are fractions of it. What is not counted: lists that did not change (304), files, health checks.

Counters are kept in each process, so that several workers together let through as many times more, or in Redis if
``REDIS_URL`` names one. If Redis does not answer, each process counts for itself until it does again: a limit that
becomes less exact is better than a service that is down. Guessing is not stopped here but in `services/throttle.py`.
"""

import logging
import math
import time
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, request
from flask_limiter import Limit, Limiter, RateLimitExceeded, RequestLimit
from limits import RateLimitItemPerMinute
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as AnyResponse

from app.extensions import db
from app.services import audit, known_devices, tokens
from app.services.errors import InvalidToken, TooManyRequests
from app.web import cookies
from app.web.access import bearer_token
from app.web.errors import on_service_error
from app.web.logs import ToStructlog

#: Path of a POST → name of its limit, and the part of RATE_LIMIT that one network gets: these cost a password hash, or
#: answer with tokens.
_SHARES = {
    "/api/auth/register": ("register", 20),
    "/register": ("register", 20),
    "/api/auth/login": ("login", 10),
    "/login": ("login", 10),
    "/api/auth/refresh": ("refresh", 2),
}
_OAUTH = ("oauth", 2)
#: Changing one's address tells, as registering does, whether another is taken.
_EMAIL_CHANGES = ("users_api.change_email", "account.change_email")
#: These may take seconds.
_ALL_TASKS = ("transfer.export", "transfer.import_", "data.export", "data.import_")
_UNCOUNTED = ("/healthz", "/readyz", "/metrics")
# Redis is asked before every answer; one that is away must not keep everybody waiting.
_REDIS_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 0.25,
    "socket_timeout": 0.25,
    "retry": Retry(NoBackoff(), 1),
}
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
            Limit(_tight, key_function=_network, scope=_scope, shared=True),
        ],
        request_identifier=lambda: request.endpoint or "nothing",
        storage_uri=redis or "memory://",
        storage_options=dict(_REDIS_OPTIONS) if redis else {},
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
        if limit is not None and _first_time(limiter, limit):
            _record()
        return on_service_error(TooManyRequests(_left(limit)[1] if limit else 60))

    limiter.init_app(app)


def _scope(_endpoint: str) -> str:
    return (_share() or ("default", 1))[0]


def _share() -> tuple[str, int] | None:
    if request.path.startswith("/oauth/"):
        return _OAUTH
    if request.endpoint in _EMAIL_CHANGES and request.method in ("POST", "PUT"):
        return _SHARES["/register"]
    if request.endpoint in _ALL_TASKS:
        return "transfer", 20
    return _SHARES.get(request.path) if request.method == "POST" else None


def _general() -> str:
    return "" if _share() else f"{current_app.config['RATE_LIMIT']} per minute"


def _tight() -> str:
    share = _share()
    return f"{max(1, current_app.config['RATE_LIMIT'] // share[1])} per minute" if share else ""


def _has_news(response: AnyResponse) -> bool:
    return response.status_code not in (304, 429)


def _caller() -> str:
    """Return who is counted: the person a good token names, without asking the database, or else the network."""
    user_id = _signed_in()
    return f"user {user_id}" if user_id else _network()


def _signed_in() -> str | None:
    raw = bearer_token() if request.path.startswith("/api/") else cookies.access_token()
    try:
        return str(tokens.verify(raw, tokens.ACCESS)["sub"]) if raw else None
    except InvalidToken:
        return None


def _network() -> str:
    return f"network {known_devices.network()}"


def _announce(response: Response, limit: RequestLimit) -> None:
    try:
        remaining, seconds = _left(limit)
    except RedisError:
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
    who, name = _signed_in(), _scope("")
    try:
        audit.record(audit.Event.RATE_LIMIT_EXCEEDED, UUID(who) if who else None, limit=name)
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
