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
        if not from_trailer and len(data) <= _LONGEST and _may_be_kept(dict(headers)):
            if len(_read) >= _AT_MOST:
                _read.clear()
            _read[data] = headers
        return headers


def _may_be_kept(headers: dict[str, str]) -> bool:
    """Tell whether to read them is all there is to do with them, and they hold no secret that is good for long."""
    return "EXPECT" not in headers and not headers.get("AUTHORIZATION", "").lower().startswith("basic")


class KnownParser(RequestParser):  # type: ignore[misc]
    """A parser of such requests."""

    mesg_class = KnownRequest
