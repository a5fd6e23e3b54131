"""Request id, and one JSON log line and count per request: route template, never the URL with its query."""

import logging
import re
import sys
import time
from datetime import UTC, datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from random import getrandbits
from typing import Any

import orjson
import structlog
from flask import Flask, Response, current_app, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.tracebacks import ExceptionDictTransformer

from app.services import metrics

_log = structlog.get_logger()
_ROW = re.compile(r"DETAIL:.*?(?=\[SQL|\Z)", re.DOTALL)
# Some proxies write 192.0.2.1:5555 or [2001:db8::1]:443 into X-Forwarded-For.
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([^]]*)\](?::\d+)?")
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def init_app(app: Flask) -> None:
    """Send every log line, Flask's own included, to standard error as one JSON object."""
    level = getattr(logging, app.config["LOG_LEVEL"].upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables, which hold passwords, tokens and titles.
            structlog.processors.ExceptionRenderer(_described),
            structlog.processors.JSONRenderer(serializer=_one_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_StandardError(),
    )
    app.logger.handlers = [ToStructlog()]
    app.logger.propagate = False
    # Flask's own would write the path, which may hold the secret of a calendar feed.
    app.log_exception = lambda exc_info: app.logger.error("unhandled exception", exc_info=exc_info)  # type: ignore[method-assign]
    app.before_request(_open)
    app.after_request(_close)


def _described(exc_info: Any) -> list[dict[str, Any]]:
    """Return the exception as JSON values, without the row that PostgreSQL shows when it refuses one."""
    described = ExceptionDictTransformer(show_locals=False)(exc_info)
    for each in described:
        each["exc_value"] = _ROW.sub("DETAIL: hidden\n", each["exc_value"])
    return described


def _one_line(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()


class _StandardError:
    """Look up ``sys.stderr`` for each line, so that whoever replaces it sees the lines."""

    def __call__(self, *_: Any) -> structlog.WriteLogger:
        # Line and line end in one write: workers share the stream.
        return structlog.WriteLogger(sys.stderr)


class ToStructlog(logging.Handler):
    """Carries records of the standard library, such as Flask's report of an exception, over to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _open() -> None:
    context, environ = g._get_current_object(), request.environ
    context.started = time.perf_counter()
    given = environ.get("HTTP_X_REQUEST_ID", "")
    context.request_id = given if _SAFE_ID.fullmatch(given) else _new_id()
    agent = environ.get("HTTP_USER_AGENT", "")[:256]
    if not agent.isprintable():
        agent = "".join(c for c in agent if c.isprintable())
    clear_contextvars()
    bind_contextvars(request_id=context.request_id, ip=_address(environ.get("REMOTE_ADDR")), user_agent=agent)


def _new_id() -> str:
    """Return an id that sorts by time; no secret, so that it need not cost a system call as random ids do."""
    return f"{time.time_ns() // 1_000_000:012x}{getrandbits(80):020x}"


@lru_cache(maxsize=1024)
def _address(given: str | None) -> str:
    """Return the client's address without its port, or nothing where a proxy forwarded what is none."""
    with_port = _WITH_PORT.fullmatch(given or "")
    try:
        # A zone, as in fe80::1%eth0, means something on that host only, and may be any text.
        return str(ip_address(with_port[1] or with_port[2] if with_port else given or "")).partition("%")[0]
    except ValueError:
        if given:
            _warn_of_no_address()
        return ""


@cache
def _warn_of_no_address() -> None:
    """Tell the operator, once: what has no address is all counted as one network."""
    _log.warning("a proxy forwards as X-Forwarded-For what is no address; see PROXY_HOPS")


def _close(response: Response) -> Response:
    # Each look through one of Flask's proxies is four calls of functions, and this runs for every request.
    asked, context = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
    rule = asked.url_rule.rule if asked.url_rule else None
    seconds = time.perf_counter() - context.started
    metrics.request(asked.method, rule, response.status_code, seconds)
    if current_app.config["LOG_LEVEL"] in ("debug", "info"):
        # As structlog writes it, whose way there took a twentieth of the time of the shortest requests.
        who = context.get("principal")
        line = {
            "method": asked.method,
            "route": rule,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "user_id": who and who.user_id,
            **get_contextvars(),
            "level": "info",
            "timestamp": datetime.now(UTC),
            "event": "request",
        }
        sys.stderr.write(_one_line(line) + "\n")
    response.headers.add("X-Request-Id", context.request_id)
    return response
