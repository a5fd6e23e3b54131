"""``flask backup`` with pg_dump: which, how it is called, and how it is ended."""

import os
import signal
import time
from pathlib import Path

from sqlalchemy import make_url

from tests.backups import POSTGRESQL, command, made, program
from tests.conftest import MakeApp
from tests.databases import client_programs
from tests.installations import Environment
from tests.programs import Program


@POSTGRESQL
def test_without_a_pg_dump_that_is_new_enough_the_cure_is_named(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(PG_BINDIR=str(tmp_path / "bin"))
    missing = command(app, "backup", "create", "--output", tmp_path / "b.tar")
    program(tmp_path / "bin", "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'")
    older = command(app, "backup", "create", "--output", tmp_path / "b.tar")
    assert [missing.exit_code, older.exit_code] == [1, 1]
    assert missing.stderr.endswith(": install postgresql-client, or set PG_BINDIR.\n")
    assert "pg_dump is of PostgreSQL 9, the server of " in older.stderr
    assert "or set PG_BINDIR" in older.stderr
    assert not (tmp_path / "b.tar").exists()


@POSTGRESQL
def test_the_password_of_the_database_is_not_among_the_arguments(
    make_app: MakeApp, environment: Environment, tmp_path: Path
) -> None:
    noted = f"printf '%s\\n' \"$@\" | tee -a {tmp_path}/arguments | sed -n 's/.* passfile=//p' | sed 's/ .*//'"
    script = f'cat $({noted}) /dev/null >>{tmp_path}/passwords\nexec {client_programs()}/pg_dump "$@"'
    program(tmp_path / "bin", "pg_dump", script)
    url = make_url(environment["DATABASE_URL"]).set(password="se:k\\rit")
    app = make_app(PG_BINDIR=str(tmp_path / "bin"), DATABASE_URL=url.render_as_string(hide_password=False))
    made(app, tmp_path / "b.tar")
    assert "rit" not in (tmp_path / "arguments").read_text()
    assert "--dbname=" in (tmp_path / "arguments").read_text()
    assert r"*:*:*:*:se\:k\\rit" in (tmp_path / "passwords").read_text()


@POSTGRESQL
def test_a_backup_that_is_told_to_end_leaves_nothing_behind(environment: Environment, tmp_path: Path) -> None:
    program(tmp_path / "bin", "pg_dump", "exec sleep 60")
    env = os.environ | environment | {"PG_BINDIR": str(tmp_path / "bin")}
    with Path(os.devnull).open("r+b") as null:
        words = ("flask", "backup", "create", "--output", str(tmp_path / "b.tar"))
        backup = Program(*words, env=env, stdin=null, stdout=null, stderr=null)
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob(".backup.*")):
            assert time.monotonic() < deadline
        backup.terminate()
        assert backup.wait(10) == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
