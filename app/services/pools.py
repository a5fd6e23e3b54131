"""Use of the database's connections, for the metrics."""

from collections.abc import Iterator

from flask import current_app
from sqlalchemy import Engine, event

from app.extensions import db
from app.services import metrics


def watch() -> None:
    """Count from now on the connections that are out of the pools of the current application."""
    for name, engine in _engines():
        in_use = metrics.connections_in_use.labels(name)
        # After those of `app.database`: a connection that it replaces is counted once.
        event.listen(engine, "checkout", lambda *_, in_use=in_use: in_use.inc())
        for given_back in ("checkin", "detach"):
            event.listen(engine, given_back, lambda *_, in_use=in_use: in_use.dec())


def limit() -> int:
    """Return how many connections each of the two pools of a process may have."""
    options = current_app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    return int(options["pool_size"]) + int(options["max_overflow"])


def announce() -> None:
    """Add this process's pools to what the metrics know of."""
    for name, _ in _engines():
        metrics.connections_in_use.labels(name).set(0)
        metrics.connections_limit.labels(name).set(limit())


def _engines() -> Iterator[tuple[str, Engine]]:
    yield "read", db.reader
    yield "write", db.engine
