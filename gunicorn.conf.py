"""gunicorn settings; see `config.server` for the variables behind them."""

import atexit
import fcntl
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from config import ConfigError, counters_directory, server

try:
    _settings = server()
except ConfigError as error:
    sys.exit(f"taskward: {error}")
bind = [each for each in (_settings["bind"], _settings["metrics_bind"]) if each]
workers = _settings["workers"]
threads = _settings["threads"]
worker_class = "app.ops.worker.LeaderWorker"
# What the kernel sends by itself, nothing can give up waiting for.
sendfile = False
# Whoever connects says where from, over which scheme and under which prefix; PROXY_HOPS decides what is believed of
# forwarded headers, and gunicorn's own trust in 127.0.0.1 would go past it.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# One load of the code, and one refusal instead of one per worker when the schema is not current.
preload_app = True
graceful_timeout = 30
timeout = 60
# Above that of any token, so that one that is too long is told so by the application, in its own words.
limit_request_field_size = 16_384
keepalive = 5
# The heartbeat file must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn makes the file privately
# It would be the same file in the home directory for every instance of a user.
control_socket_disable = True
# The application writes its own line per request.
accesslog = None
loglevel = "warning"
logger_class = "app.ops.server_log.ServerLog"


def _remove_counters(directory: str, master: int) -> None:
    if os.getpid() == master:  # workers run what was registered before the fork, too
        shutil.rmtree(directory, ignore_errors=True)


if _settings["metrics"]:
    atexit.register(_remove_counters, counters_directory(), os.getpid())


def on_starting(_server: Any) -> None:
    """Remove the counters of servers that were killed: those that nobody has locked."""
    for left in Path(counters_directory()).parent.glob("taskward-counters-*") if _settings["metrics"] else ():
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY)
            try:
                # An empty one may be about to be locked.
                if os.listdir(handle):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left)
            finally:
                os.close(handle)


def when_ready(_server: Any) -> None:
    """Tell whoever started it where to look; standard error is for the log, one JSON object a line."""
    sys.stdout.write(f"Taskward is on http://{bind[0]}\n")
    sys.stdout.flush()


def post_fork(_server: Any, worker: Any) -> None:
    """Give the worker connections of its own, as two processes must not talk through one socket, and its upkeep."""
    from app.extensions import db
    from app.ops import maintenance
    from app.services import pools
    from app.signals import waiting
    from wsgi import app

    with app.app_context():
        db.dispose(close=False)
        pools.announce()
    waiting.connect(worker.step_down)
    maintenance.start(app)
    # gunicorn looks a setting up in two steps, and forty of them for each request.
    worker.cfg.__dict__.update({name: setting.get() for name, setting in worker.cfg.settings.items()})


def child_exit(_server: Any, worker: Any) -> None:
    """Forget what a worker was doing when it ended; what it has counted stays."""
    worker.forget()
    if _settings["metrics"]:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
