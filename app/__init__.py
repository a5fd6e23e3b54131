"""Taskward: the application factory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

import config
from app import auth, cli, ops, tasks
from app.extensions import db, jwt, migrate
from app.web import access, compression, errors, forms, headers, json, limits, logs, origin, static_files


class _Flask(Flask):
    """Flask without what is not used here: coroutines, routes that depend on the host, WebSockets."""

    def ensure_sync(self, func: Any) -> Any:
        """Return the function: finding out for each one of each request took a twentieth of the shortest requests."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the routes to a request; to work out hosts and subdomains first was another twentieth."""
        if request is None:
            return super().create_url_adapter(request)
        request.host = get_host(request.environ)
        query = request.query_string.decode(errors="replace")
        return MapAdapter(
            *(self.url_map, request.host.lower(), request.root_path, "", request.scheme, request.path, request.method),
            query_args=query,
        )


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the application, configured by the environment or by ``settings`` in the shape of `config.load`.

    Raises:
        ConfigError: a setting has a value the application cannot run with.
    """
    settings = config.load() if settings is None else settings
    app = _Flask(__name__, static_folder=None, template_folder="../templates", instance_path=settings["INSTANCE_PATH"])
    app.config.from_mapping(settings)
    # Werkzeug would answer //x with a redirect to whatever host the request names.
    app.url_map.merge_slashes = False
    # Indentation in templates is for whoever reads them; without this a fifth of a page would be blanks.
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    _name_the_root(app)
    _trust_proxies(app)
    _add_web_layer(app)
    _bind_extensions(app)
    _register_routes(app)
    cli.init_app(app)
    access.check_owner_routes(app)
    return app


def _trust_proxies(app: Flask) -> None:
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _name_the_root(app: Flask) -> None:
    """Read ``GET https://host HTTP/1.1`` as a request for ``/`` (RFC 9112 §3.2.2).

    For an empty path Werkzeug would answer with a redirect to whatever host the request names.
    """
    inner = app.wsgi_app

    def with_path(environ: Any, start_response: Any) -> Any:
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        return inner(environ, start_response)

    app.wsgi_app = with_path  # type: ignore[method-assign]


def _bind_extensions(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(__file__).parents[1] / "migrations"))
    jwt.init_app(app)


def _add_web_layer(app: Flask) -> None:
    json.init_app(app)
    # Before-request functions run in order: the request gets its id first, since a refusal by an extension names it.
    # After-request functions run in reverse: the log line is written last, when the answer is complete.
    logs.init_app(app)
    headers.init_app(app)
    compression.init_app(app)
    errors.init_app(app)
    limits.init_app(app)
    forms.init_app(app)
    origin.init_app(app)
    static_files.init_app(app)


def _register_routes(app: Flask) -> None:
    for blueprint in (*auth.blueprints, *tasks.blueprints, *ops.blueprints):
        app.register_blueprint(blueprint)
