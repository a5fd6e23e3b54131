"""What Prometheus asks: `/metrics`, for whoever has the token, at an address of its own, or not at all."""

import hmac
from typing import Any

from flask import Blueprint, Flask, abort, current_app, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import CONTENT_TYPE_LATEST

from app.services import exposition, pools
from app.services.errors import InvalidToken
from app.web.access import bearer_token
from app.web.errors import MissingToken

bp = Blueprint("metrics", __name__)


@bp.record
def _watch_pools(state: BlueprintSetupState) -> None:
    app = state.app
    if isinstance(app, Flask) and (app.config["METRICS_TOKEN"] or app.config["METRICS_BIND"]):
        with app.app_context():
            pools.watch()


@bp.before_app_request
def _keep_apart() -> None:
    """Answer 404 to whoever asks for metrics elsewhere than they are, and for anything else where they are."""
    asked = request.path == "/metrics"
    own = current_app.config["METRICS_BIND"]
    offered = _came_in_at(own) if own else asked and current_app.config["METRICS_TOKEN"] is not None
    if asked != offered:
        abort(404)


@bp.get("/metrics")
def show() -> Any:
    """Show what has been counted, in Prometheus' text format."""
    token = current_app.config["METRICS_TOKEN"]
    if token is not None:
        given = bearer_token()
        if given is None:
            raise MissingToken
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise InvalidToken
    return exposition.exposition(), {"Content-Type": CONTENT_TYPE_LATEST}


def _came_in_at(address: str) -> bool:
    # Not the port of the Host header, which whoever asks writes.
    connection = request.environ.get("gunicorn.socket")
    return connection is not None and connection.getsockname()[1] == int(address.rpartition(":")[2])
