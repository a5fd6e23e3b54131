"""Schemathesis, given the document and a running gunicorn, finds nothing.

It sends examples, boundary values, random and stateful requests, good ones and bad ones, and holds every answer against
the document: status, type, schema, headers, methods, and whether authentication is needed where it is said to be.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Count
from tests.oauth_clients import register
from tests.people import Person
from tests.servers import Server

# Left out: the two that would end the session it works with, after which every answer is 401 and shows nothing.
# Deleting the account and changing the password are in: it does not know alice's password, and examples have another.
SESSION_ENDERS = ["auth_api.logout", "users_api.end_session"]
# Boundary values, most of the time, are about what is refused before a database is asked: one of them will do. What is
# documented and what is random goes to the database that takes less: it minds NUL, and how long a text is.
PHASES = {"sqlite": "coverage,stateful", "postgresql": "examples,fuzzing,stateful"}

CONFIG = """
base-url = {url}
parameters = {{ "path.user_id" = {user_id} }}
suppress-health-check = ["all"]
request-timeout = 20
warnings = false

[generation]
max-examples = 3
deterministic = true
database = "none"

[phases.stateful]
max-steps = 6
generation.max-examples = 25
inference.algorithms = ["dependency-analysis"]

# JSON Schema cannot state every rule. What fits may still be a password that is easily guessed, a time zone that does
# not exist, a due time without a date, a token that is none: 400 or 422.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 410, 412, 422, 429]

# 414 is gunicorn's own, for an address over 8190 bytes.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 422, 429]

# Deleting moves to the trash: there a task can still be seen, and restored it is as before.
[checks.use_after_free]
enabled = false

[auth.openapi.bearer]
bearer = {token}

[auth.openapi.client]
username = {client}
password = {secret}
"""


def test_schemathesis_finds_nothing(
    request: pytest.FixtureRequest, server: Server, alice: Person, count: Count, tmp_path: Path
) -> None:
    program = register(alice.app)
    values = {"url": server.url, "user_id": alice.id, "token": alice.access_token}
    values |= {"client": program.id, "secret": str(program.secret)}
    quoted = {name: json.dumps(value) for name, value in values.items()}
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(**quoted))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/openapi.json", "--no-color"]
    command += ["--phases", PHASES[request.node.callspec.params["environment"]]]
    command += [f"--exclude-operation-id={each}" for each in SESSION_ENDERS]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    # It was let in, what it sent was taken, and one answer led it to the next request.
    assert alice.get("/tasks").status_code == 200
    assert count("tasks") > 3
    assert re.search(r"API Links: +[1-9]", run.stdout), run.stdout
