"""The programs of Taskward as processes of their own, started without the second that loading the libraries takes.

A process that has loaded the libraries is forked for each program. Everything of ours is loaded anew, and the
environment, directory, arguments and streams are the program's own; what it does to itself ends with it.
"""

import atexit
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

ROOT = Path(__file__).parents[1]

# Without prometheus_client, which looks at the environment when it is loaded.
LIBRARIES = (
    *("argon2", "email_validator", "flask_jwt_extended", "flask_migrate", "flask_sqlalchemy", "flask_wtf"),
    *("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "icalendar", "limits", "orjson", "psycopg2", "pydantic"),
    *("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "structlog", "ua_parser", "uuid6", "zxcvbn"),
)

_NUMBER = struct.Struct("!i")


class Program:
    """A Python module that runs with its arguments, such as ``flask db upgrade``: what is needed of a `Popen`."""

    def __init__(
        self, *command: str | bytes, env: dict[str, str], stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes]
    ):
        ours, theirs = socket.socketpair()
        request = json.dumps({"command": [os.fsdecode(word) for word in command], "env": env}).encode()
        streams = [stdin.fileno(), stdout.fileno(), stderr.fileno()]
        with theirs:
            socket.send_fds(_starter(), [request], [*streams, theirs.fileno()])
        self._answers = ours
        self.returncode: int | None = None
        self.pid = self._answer()

    def _answer(self) -> int:
        return int(_NUMBER.unpack(self._answers.recv(_NUMBER.size))[0])

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal; raises TimeoutExpired if it still runs after the seconds."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = self._answer()
            self._answers.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def run(
    *command: str | bytes, env: dict[str, str], stdin: bytes = b"", timeout: float = 60
) -> "subprocess.CompletedProcess[bytes]":
    """Run a module to its end, and return what it wrote; raises TimeoutExpired, having ended it, if it takes longer."""
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        program = Program(*command, env=env, stdin=given, stdout=output, stderr=errors)
        try:
            program.wait(timeout)
        finally:
            program.kill()
            code = program.wait()
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(command, code, output.read(), errors.read())


@cache
def _starter() -> socket.socket:
    """Start the process that forks, which lives as long as this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    atexit.register(_end, ours, process)
    return ours


def _end(requests: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    requests.close()
    process.wait(timeout=10)


def _serve(requests: socket.socket) -> None:
    """Fork for every request; returns in the process that is to be a program, when that has done its work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # and nobody waits for the processes that wait for programs
    while True:
        request, descriptors, *_ = socket.recv_fds(requests, 1 << 17, 4)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _carry_out(descriptors, **json.loads(request))
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _carry_out(descriptors: Sequence[int], command: Sequence[str], env: dict[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    *streams, answers = descriptors
    if pid := os.fork():
        os.write(answers, _NUMBER.pack(pid))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(answers, _NUMBER.pack(code))
        os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(descriptors) + 1)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = command[1:]
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    _serve(socket.socket(fileno=int(sys.argv[1])))
