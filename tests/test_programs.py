"""What is started by forking is a program like any other."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.programs import ROOT, Program, run

CODE = """
import json, os, signal, sys
told = {"argv": sys.argv[1:3], "cwd": os.getcwd(), "env": dict(os.environ), "stdin": sys.stdin.read()}
told["ours"] = [name for name in sys.modules if name.partition(".")[0] in ("app", "config", "wsgi")]
told["files"] = [number for number in range(3, 100) if os.path.exists(f"/proc/self/fd/{number}")]
told["signals"] = [signal.getsignal(each) == default for each, default in
    ((signal.SIGCHLD, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler))]
print(json.dumps(told))
print("enough", file=sys.stderr)
"""
#: `timeit` runs what it is given.
ONCE = ("timeit", "-n1", "-r1")


def test_it_has_its_own_arguments_environment_and_streams_and_nothing_of_ours() -> None:
    result = run(*ONCE, CODE, env={"NAME": "value"}, stdin=b"typed")
    told = json.loads(result.stdout.splitlines()[0])
    assert (result.returncode, result.stderr) == (0, b"enough\n")
    assert told == {
        "argv": ["-n1", "-r1"],
        "cwd": str(ROOT),
        "env": {"NAME": "value"},
        "stdin": "typed",
        "ours": [],
        "files": [],
        "signals": [True, True],
    }


def test_it_ends_with_an_uncaught_exception_as_any_other() -> None:
    result = run("tests.no_such_module", env=dict(os.environ))
    assert result.returncode == 1
    assert b"No module named" in result.stderr
    assert run("json.tool", env={}, stdin=b"{").returncode == 1


def test_it_can_be_waited_for_signalled_and_ended() -> None:
    with Path(os.devnull).open("r+b") as null:
        program = Program(*ONCE, "import time; time.sleep(60)", env={}, stdin=null, stdout=null, stderr=null)
    assert program.poll() is None
    assert Path(f"/proc/{program.pid}").exists()
    with pytest.raises(subprocess.TimeoutExpired):
        program.wait(timeout=0.01)
    program.terminate()
    assert (program.wait(timeout=10), program.poll()) == (-signal.SIGTERM, -signal.SIGTERM)
    program.kill()  # nothing that has its number by now
    with pytest.raises(subprocess.TimeoutExpired):
        run(*ONCE, "import time; time.sleep(60)", env={}, timeout=0.2)
