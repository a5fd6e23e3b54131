"""What makes a request conditional (RFC 9110 §13) or repeatable (Idempotency-Key, or a form's own key)."""

import hashlib
import re
from typing import TYPE_CHECKING, Any

from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest

from app.services.idempotency import Request
from app.services.preconditions import Condition
from app.services.task_rows import TaskRow

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# A Structured Field string (RFC 8941 §3.3.3), or the bare word that most clients send.
_KEY = re.compile(r'"(?P<quoted>[ !#-\[\]-~]{1,255})"|(?P<bare>[!#-~]{1,255})')


def etag(task: TaskRow) -> str:
    """Return the entity tag of a task: its revision."""
    return f'"{task["rev"]}"'


def list_etag(rev: int, *asked: object) -> str:
    """Return the entity tag of a list: the owner's counter of writes, and everything else the answer depends on."""
    return f'"{rev}-{hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()}"'


def condition() -> Condition:
    """Return what ``If-Match`` and ``If-None-Match`` ask of a write.

    Raises:
        BadRequest: ``If-None-Match`` is anything but ``*``, which alone says something about a write.
    """
    absent = "If-None-Match" in request.headers
    if absent and request.headers["If-None-Match"].strip() != "*":
        raise BadRequest("Here If-None-Match takes * only: write if there is no such task.")
    if "If-Match" not in request.headers:
        return Condition(absent=absent)
    if request.if_match.star_tag:
        return Condition(exists=True, absent=absent)
    # A weak tag never matches here (RFC 9110 §13.1.1), nor does what we never gave out.
    revs = (tag for tag in request.if_match.as_set() if tag and re.fullmatch("[0-9]{1,18}", tag))
    return Condition(revs=frozenset(map(int, revs)), absent=absent)


def repeatable() -> Request | None:
    """Return the request's ``Idempotency-Key`` with a digest of the request, or None without one.

    Raises:
        BadRequest: the key is not 1 to 255 printable ASCII characters.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    match = _KEY.fullmatch(given.strip())
    if match is None:
        raise BadRequest("Idempotency-Key: use 1 to 255 printable ASCII characters, such as a UUID.")
    whole = b"\n".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    return Request(match["quoted"] or match["bare"], hashlib.sha256(whole).hexdigest())


def repeatable_form(given: dict[str, Any]) -> Request | None:
    """Return the request that sends a form as it is, or None if the form has no ``form_key``.

    Sent again as it was, say because the answer was lost, it is the same request; with other values in it, another.
    """
    key = request.form.get("form_key")
    digest = hashlib.sha256(repr((key, given)).encode()).hexdigest()
    return Request(f"form-{digest}", digest) if key else None


class NotModified(Response):
    """304 without the headers of a body (RFC 9110 §15.4.5), which to make and remove would take an eighth more CPU."""

    default_status = 304
    default_mimetype = None

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Return the headers as they are."""
        return self.headers


def known(tag: str) -> bool:
    """Tell whether the client has the answer of this entity tag already (``If-None-Match``), so that none is made."""
    given = request.environ.get("HTTP_IF_NONE_MATCH")
    # Most clients send back what they were given; to take a list of tags apart is a thirtieth of this answer's time.
    return given == tag or (given is not None and request.if_none_match.contains_weak(tag.strip('"')))
