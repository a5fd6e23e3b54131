"""Can the time of a refused sign-in tell which addresses have an account?

    python -m bench.enumeration [rounds]

Asks an application over HTTP, in this process and over a database of its own, in turn for an address that exists and
one that does not, each time with a wrong password. Prints both medians, their ratio with a bootstrap interval, and how
often a known address took longer than an unknown one: 50 % means that time says nothing.
"""

import logging
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import orjson
from flask_migrate import upgrade
from werkzeug.serving import make_server

import config
from app import create_app
from app.services import accounts

ROOT = Path(__file__).parents[1]
WARM_UP = 10


def main(rounds: int = 300) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as instance:
        app = create_app(config.load({"INSTANCE_PATH": instance, "LOG_LEVEL": "error"}))
        with app.app_context():
            upgrade(str(ROOT / "migrations"))
            for number in range(rounds + WARM_UP):
                # One address a round: what slows guessing down counts by address.
                accounts.create(f"known{number}@example.org", "tangerine umbrella quietly 47 orbit")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, app, threaded=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/api/auth/login"
        pairs = [_pair(url, number) for number in range(rounds + WARM_UP)][WARM_UP:]
        server.shutdown()
        server.server_close()
    known, unknown = [first for first, _ in pairs], [second for _, second in pairs]
    low, high = _interval(known, unknown)
    ratio = statistics.median(known) / statistics.median(unknown)
    longer = sum(a > b for a in known for b in unknown) / len(known) / len(unknown)
    sys.stdout.write(
        f"known address    median {statistics.median(known):8.2f} ms\n"
        f"unknown address  median {statistics.median(unknown):8.2f} ms\n"
        f"ratio            {ratio:.4f}   95 % of bootstrap samples between {low:.4f} and {high:.4f}\n"
        f"known longer     {longer:.1%} of all pairs\n"
    )


def _pair(url: str, number: int) -> tuple[float, float]:
    """Return the milliseconds for a known and an unknown address, asked for in random order."""
    addresses = [f"known{number}@example.org", f"other{number}@example.org"]
    times = {address: _milliseconds(url, address) for address in random.sample(addresses, 2)}
    return times[addresses[0]], times[addresses[1]]


def _milliseconds(url: str, address: str) -> float:
    body = orjson.dumps({"email": address, "password": "not the right one"})
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    start = time.perf_counter()
    try:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    except urllib.error.HTTPError as error:
        taken = time.perf_counter() - start
        with error:
            if error.code != 401:
                raise SystemExit(f"answered {error.code}: {error.read().decode()}") from error
        return taken * 1000
    raise SystemExit("a wrong password was let in")


def _interval(first: Sequence[float], second: Sequence[float], samples: int = 2000) -> tuple[float, float]:
    """Return the middle 95 % of the ratios of medians of samples drawn again from what was measured."""
    draw = random.Random(1).choices  # noqa: S311 - statistics
    ratios = sorted(
        statistics.median(draw(first, k=len(first))) / statistics.median(draw(second, k=len(second)))
        for _ in range(samples)
    )
    return ratios[samples // 40], ratios[-samples // 40]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
