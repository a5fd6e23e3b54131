"""A disk that is full, made of a small file system that only the server's processes see."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.load import account, ask, log
from tests.programs import ROOT
from tests.servers import Server, free_port, wait_until_ready

SIZE = "2m"
NOTES = "n" * 20_000


@contextmanager
def _on_a_small_disk(directory: Path) -> Iterator[tuple[Server, Path]]:
    """Serve an installation on a file system of its own; yields the server and the way to that file system."""
    disk, port = directory / "disk", free_port()
    disk.mkdir()
    env = os.environ | {"INSTANCE_PATH": str(disk), "PORT": str(port), "WEB_CONCURRENCY": "2", "RATE_LIMIT": "0"}
    mount = f"mount -t tmpfs -o size={SIZE},mode=0700 tmpfs {shlex.quote(str(disk))}"
    python = shlex.quote(sys.executable)
    script = (
        f"{mount} && {python} -m flask --app wsgi db upgrade && exec {python} -m gunicorn -c gunicorn.conf.py wsgi:app"
    )
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", script]
    log_file = directory / "log"
    with log_file.open("wb") as output, subprocess.Popen(command, cwd=ROOT, env=env, stderr=output) as process:
        try:
            server = Server(f"http://127.0.0.1:{port}", log_file, process)
            wait_until_ready(server.url, process, log_file)
            worker = psutil.Process(process.pid).children()[0].pid
            yield server, Path(f"/proc/{worker}/root{disk}")
        finally:
            process.terminate()
            process.wait(timeout=40)


def test_a_full_disk_is_503_for_writes_loses_nothing_and_ends_with_it(tmp_path: Path) -> None:
    with _on_a_small_disk(tmp_path) as (server, disk):
        tokens = account(server.url)
        token, tasks = tokens["access_token"], f"/api/users/{tokens['user_id']}/tasks"
        filler = disk / "filler"
        filler.write_bytes(bytes(512 * 1024))
        kept: list[str] = []
        for _ in range(200):
            status, answer = ask(server.url, "POST", tasks, token, {"title": "x", "notes": NOTES})
            if status != 201:
                break
            kept.append(answer["id"])
        assert (status, answer["title"], answer["retry_after"]) == (503, "Service Unavailable", "5")
        assert kept
        # What needs no room goes on.
        assert ask(server.url, "GET", f"{tasks}/{kept[-1]}", token)[0] == 200
        assert ask(server.url, "GET", f"{tasks}?limit=200", token)[0] == 200

        filler.unlink()
        status, answer = ask(server.url, "POST", tasks, token, {"title": "x", "notes": NOTES})
        assert status == 201, answer
        _, page = ask(server.url, "GET", f"{tasks}?limit=200", token)
        found = {task["id"] for task in page["items"]}
        log.info("disk full: acknowledged %d, lost %d", len(kept), len(set(kept) - found))
        assert found == {*kept, answer["id"]}
        lines = server.log.read_text()
        assert "disk is full" in lines
        assert NOTES[:50] not in lines
