"""Pages compressed, where that gives nothing away."""

import gzip

from flask import Flask, Response, request

from app.web.static_files import accepts_gzip

# A packet is not worth less for being half full.
_FROM_BYTES = 1024
#: Who had the browser ask, as the browser says: the page itself, or the person.
_NOBODY_ELSE = ("same-origin", "none")


def init_app(app: Flask) -> None:
    """Compress HTML after every request, errors included."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    """Compress a page, unless another site may have had the browser ask for it.

    A page holds secrets (titles, the form token) and what the address says (a search). Whoever can have it asked for
    with guesses, thousands of times, and see how long the answers are, could find secrets out (BREACH). Only other
    sites would have to ask so, and of every such request the browser says ``Sec-Fetch-Site: cross-site``; where it says
    nothing, the page goes out as it is. JSON is left to a proxy: it may take the token from a header only, so that
    nobody can be made to ask for it.
    """
    if (
        response.status_code == 304
        or response.mimetype != "text/html"
        or response.is_streamed
        or "Content-Encoding" in response.headers
    ):
        return response
    response.vary.update(("Accept-Encoding", "Sec-Fetch-Site"))
    if request.headers.get("Sec-Fetch-Site") not in _NOBODY_ELSE or not accepts_gzip():
        return response
    page = response.get_data()
    if len(page) >= _FROM_BYTES:
        response.set_data(gzip.compress(page, compresslevel=5, mtime=0))
        response.content_encoding = "gzip"
    return response
