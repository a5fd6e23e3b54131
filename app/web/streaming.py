"""Answers that are sent piece by piece while they are being made."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from flask import Response, current_app


def streamed(pieces: Iterable[str] | Iterable[bytes], mimetype: str, **headers: str) -> Response:
    """Return an answer made of the pieces; underscores in the names of ``headers`` stand for hyphens.

    The first piece is made at once, so that what goes wrong at the beginning is answered as an error. Later it can only
    break the transfer off, which clients notice.
    """
    rest: Iterator[Any] = iter(pieces)
    first = next(rest, "")
    response = Response(chain([first], _in_context(rest)), mimetype=mimetype)
    response.headers.extend({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def _in_context(pieces: Iterator[Any]) -> Iterator[Any]:
    """Yield the pieces, each made in an application context of its own: none stays open while a client dawdles."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def each() -> Iterator[Any]:
        while True:
            with app.app_context():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return each()
