"""The watch over the logs would notice."""

import subprocess
import sys
from pathlib import Path

PLANTED = """
import logging, sys
from tests.leaks import keep_secret

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2lnbmF0dXJl"

def test_clean(): print("GET /api/tasks 200", file=sys.stderr)
def test_token(): print(f"GET /api/tasks?access_token={JWT}", file=sys.stderr)
def test_token_in_a_log_record(): logging.getLogger("x").warning("refused %s", JWT)
def test_hash(): print("$argon2id$v=19$m=19456", file=sys.stderr)
def test_title():
    keep_secret("Call the oncologist")
    print('{"event":"created","title":"Call the oncologist"}', file=sys.stderr)
def test_forgotten_after_the_test(): print("Call the oncologist", file=sys.stderr)
"""


def test_a_test_that_logs_a_secret_fails(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED)
    options = ["-q", "-p", "tests.leaks", "-p", "no:randomly", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, f"--rootdir={tmp_path}", str(tmp_path)]
    result = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert "4 failed, 2 passed" in result.stdout, result.stdout + result.stderr
    for name in ("test_token", "test_token_in_a_log_record", "test_hash", "test_title"):
        assert f"test_planted.py::{name} logged a secret" in result.stdout
