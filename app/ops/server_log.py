"""gunicorn's own messages, as JSON lines like all others, and without what was sent."""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from app.web.logs import ToStructlog

_ABOUT_REQUESTS = ("Invalid request from", "Error handling request")
#: Where gunicorn begins to repeat what came over the wire, which may be half a token or a query string.
_SENT = re.compile(r"""['"]|\s/""")


class ServerLog(Logger):  # type: ignore[misc] # gunicorn has no types
    """What the server itself has to say: a request it cannot read, a worker that was killed."""

    def setup(self, cfg: Any) -> None:
        """Set up as usual, then speak through structlog."""
        super().setup(cfg)
        handler = ToStructlog()
        handler.addFilter(_without_what_was_sent)
        self.error_log.handlers = [handler]


def _without_what_was_sent(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    if message.startswith(_ABOUT_REQUESTS):
        record.msg, record.args = _SENT.split(message, maxsplit=1)[0].rstrip(": "), ()
    return True
