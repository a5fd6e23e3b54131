"""Upkeep by itself: a thread of each worker asks now and then whether the hour's run is still to be done."""

import threading

import structlog
from flask import Flask

from app.services import maintenance

_ASKS_EVERY = 60.0

_log = structlog.get_logger("maintenance")


def start(app: Flask, every: float = _ASKS_EVERY) -> threading.Event:
    """Start the thread, unless ``MAINTENANCE`` is off; setting the event that is returned ends it."""
    over = threading.Event()
    if app.config["MAINTENANCE"]:
        # It must not keep a worker from ending: what it is at then is rolled back, and done in the next hour.
        threading.Thread(target=_ask, args=(app, over, every), name="maintenance", daemon=True).start()
    return over


def _ask(app: Flask, over: threading.Event, every: float) -> None:
    while not over.is_set():
        try:
            with app.app_context():
                maintenance.run_if_due()
        except Exception as error:  # noqa: BLE001 - no request fails by it, and the next hour brings another try
            _log.warning("maintenance failed", exc_info=error)
        over.wait(every)
