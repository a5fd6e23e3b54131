"""gunicorn's requests, read faster from clients that go on."""

from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

# Emptied when full: a second of reading anew beats bookkeeping on each request.
_AT_MOST = 1024
_LONGEST = 4096
_read: dict[bytes, list[tuple[str, str]]] = {}


class KnownRequest(Request):  # type: ignore[misc] # gunicorn has no types
    """A request whose headers are read once: a client that goes on sends the same ones, letter for letter."""

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        """Return names, in capital letters, and values of headers, as gunicorn reads them."""
        known = None if from_trailer else _read.get(data)
        if known is not None:
            return known
        headers: list[tuple[str, str]] = super().parse_headers(data, from_trailer)
        # An expectation is not only read but met, and whether it is depends on the version of HTTP.
        if not from_trailer and len(data) <= _LONGEST and "EXPECT" not in dict(headers):
            if len(_read) >= _AT_MOST:
                _read.clear()
            _read[data] = headers
        return headers


class KnownParser(RequestParser):  # type: ignore[misc]
    """A parser of such requests."""

    mesg_class = KnownRequest
