"""Drives a server with wrk."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Server

SCRIPT = Path(__file__).with_suffix(".lua")
CONNECTIONS = 16


@dataclass(frozen=True)
class Measured:
    """What a server did: requests a second, milliseconds (median, 99 of 100, CPU of its processes for each), errors."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


def drive(
    server: Server, requests: Sequence[bytes], seconds: float, connections: int = CONNECTIONS, refresh_field: str = ""
) -> Measured:
    """Send the requests over and over for so long.

    With ``refresh_field`` the requests are refresh tokens instead: each answer brings the one that is used next.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        environment = os.environ | {"REQUESTS": file.name} | ({"FIELD": refresh_field} if refresh_field else {})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT), server.url]
        before = server.cpu_seconds()
        wrk = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        spent = server.cpu_seconds() - before
    said = json.loads(wrk.stdout.partition("JSON ")[2])
    answered = max(1, said["requests"])
    rate = said["requests"] / said["seconds"]
    return Measured(rate, said["p50"], said["p99"], spent * 1000 / answered, said["errors"])
