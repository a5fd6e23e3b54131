"""Starts and stops the programs under measurement, and adds up what their processes use."""

import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from bench import installation
from bench.programs import WORKERS, Program

SECRET = "of-this-benchmark-only-0123456789abcdefghij"
PASSWORD = "correct horse battery staple"
PUBLIC_URL = "http://127.0.0.1:8000"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running program, its port and its first process."""

    program: Program
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the CPU time that all its processes have used so far."""
        parents, used = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            process = int(stat.parent.name)
            parents[process] = int(fields[1])
            used[process] = (int(fields[11]) + int(fields[12])) / _TICK
        tree = {self.process.pid}
        # A parent may have a higher number than its child.
        while more := {child for child, parent in parents.items() if parent in tree} - tree:
            tree |= more
        return sum(used.get(process, 0.0) for process in tree)


def environment(program: Program, database_url: str, instance: Path, port: int = 8000) -> dict[str, str]:
    """Return the environment in which the program finds its port and its database."""
    url = make_url(database_url)
    host = url.query.get("host") or url.host or "127.0.0.1"
    return program.environment | {
        "PGHOST": str(host),
        "PGPORT": str(url.query.get("port") or url.port or 5432),
        "PGUSER": url.username or "postgres",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
        "DATABASE_URL": url.set(drivername=program.driver).render_as_string(hide_password=False),
        "JWT_SECRET": SECRET,
        "SECRET_KEY": SECRET,
        "PASSWORD": PASSWORD,
        "INSTANCE_PATH": str(instance),
        "PUBLIC_URL": PUBLIC_URL,
        # Longer than a round takes.
        "ACCESS_TOKEN_TTL": "3600",
        "WEB_CONCURRENCY": str(WORKERS),
        "PORT": str(port),
    }


@contextmanager
def running(program: Program, database_url: str) -> Iterator[Server]:
    """Run the program over the database for as long as the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as instance:
        log = Path(instance) / "log"
        command = [part.format(python=program.python, port=port) for part in program.command]
        env = os.environ | environment(program, database_url, Path(instance), port)
        with log.open("wb") as output:
            if program.prepare:
                _prepare(program, env)
            process = subprocess.Popen(
                command, cwd=installation.directory(program), env=env, stdout=output, stderr=output
            )
            server = Server(program, port, process, log)
            try:
                _wait(server)
                yield server
            finally:
                process.terminate()
                try:
                    process.wait(timeout=40)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _prepare(program: Program, env: dict[str, str]) -> None:
    command = [part.format(python=program.python) for part in program.prepare]
    done = subprocess.run(command, cwd=program.directory, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program.title} cannot make its tables:\n{done.stderr[-2000:]}")


def _wait(server: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        try:
            connection.request("GET", "/api/me")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"{server.program.title} does not answer:\n{server.log.read_text()[-2000:]}")
