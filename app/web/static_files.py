"""Static files: kept for ever under an address that names their content, and compressed once per process."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, current_app, request
from werkzeug.security import safe_join

from app.web.headers import WORKER_POLICY

#: What browsers and crawlers ask for at the root, from where alone a service worker may serve every page.
_AT_ROOT = ("robots.txt", "service-worker.js")
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=300"
_COMPRESSIBLE = ("text/", "image/svg", "application/manifest+json")


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    #: None where it would save nothing.
    gzipped: bytes | None
    fingerprint: str
    mimetype: str


def init_app(app: Flask) -> None:
    """Serve ``app/static`` as the endpoint ``static``; ``url_for`` adds the fingerprint of the file as ``v``."""
    app.add_url_rule("/static/<path:filename>", "static", _send)
    for name in _AT_ROOT:
        app.add_url_rule(f"/{name}", "static", _send, defaults={"filename": name})

    @app.url_defaults
    def add_fingerprint(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and (file := _find(app, values["filename"])):
            values.setdefault("v", file.fingerprint)


def accepts_gzip() -> bool:
    """Tell whether the client takes gzip; an answer that depends on it varies by ``Accept-Encoding``."""
    return request.accept_encodings.quality("gzip") > 0


def _send(filename: str) -> Response:
    file = _find(current_app, filename)
    if file is None:
        abort(404)
    packed = file.gzipped if accepts_gzip() else None
    response = Response(packed or file.content, mimetype=file.mimetype)
    if packed:
        response.content_encoding = "gzip"
    if file.gzipped:
        response.vary.add("Accept-Encoding")
    # Another version than the one asked for, as while servers are being updated, must not be kept under its name.
    response.headers["Cache-Control"] = _FOR_EVER if request.args.get("v") == file.fingerprint else _FOR_A_WHILE
    if filename == "service-worker.js":
        response.headers["Content-Security-Policy"] = WORKER_POLICY
    response.set_etag(file.fingerprint + ("-gzip" if packed else ""))
    response.make_conditional(request)
    return response


def _find(app: Flask, filename: str) -> _File | None:
    path = safe_join(f"{app.root_path}/static", filename)
    if path is None or "\0" in path:
        return None
    try:
        return _read(path, Path(path).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _read(path: str, _changed: int) -> _File:
    """Read a file anew only when it has changed, as while somebody works on it."""
    content = Path(path).read_bytes()
    mimetype = mimetypes.guess_type(path)[0] or "application/octet-stream"
    packed = gzip.compress(content, mtime=0) if mimetype.startswith(_COMPRESSIBLE) else None
    return _File(content, packed, hashlib.sha256(content).hexdigest()[:12], mimetype)
