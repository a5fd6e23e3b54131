"""What is in `deploy/` is run here as far as that is possible without Docker and systemd."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path

import yaml

from tests.installations import installation, migrate
from tests.nginx_server import nginx_server, trusting
from tests.programs import ROOT
from tests.servers import Server, start_server

DEPLOY = ROOT / "deploy"
JSON = {"Content-Type": "application/json"}
#: Settings of the server, and what belongs to Flask, Python and the compose file itself.
NOT_OURS = {"FLASK_APP", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "POSTGRES_PASSWORD", "TASKWARD_HOST"}


def _settings() -> set[str]:
    """Return the variables that the README's table documents."""
    return set(re.findall(r"`([A-Z0-9_]{4,})`", (ROOT / "README.md").read_text()))


def test_the_image_holds_all_that_serving_needs_and_nothing_else(tmp_path: Path) -> None:
    copied = re.findall(r"^COPY (?!--)(.+) (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    sources = {source for names, _ in copied for source in names.split()}
    assert sources == allowed
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source)
        else:
            shutil.copy(ROOT / source, tmp_path)
    instance = tmp_path / "instance"
    env = {"INSTANCE_PATH": str(instance), "FLASK_APP": "wsgi", "PATH": "/usr/bin:/bin"}
    for command in (
        ["flask", "db", "upgrade"],
        ["gunicorn", "--config", "gunicorn.conf.py", "--check-config", "wsgi:app"],
        ["flask", "backup", "create"],
    ):
        subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=env, check=True, capture_output=True)
    assert {path.name for path in instance.iterdir()} >= {"taskward.db", "secret_key"}


def test_every_setting_that_deployment_files_name_exists() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    named = set(compose["x-app"]["environment"])
    for file in ("env.example", "taskward.env.example"):
        named |= set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / file).read_text(), re.MULTILINE))
    for file in ("Dockerfile", "taskward.service"):
        named |= set(re.findall(r"\b([A-Z][A-Z_]{3,})=", (DEPLOY / file).read_text()))
    assert {"SECRET_KEY", "DATABASE_URL", "PROXY_HOPS", "INSTANCE_PATH"} <= named
    assert named - NOT_OURS <= _settings()


def test_the_guide_uses_every_path_that_the_unit_names_and_has_every_section_that_it_links() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    paths = set(re.findall(r"/(?:etc|var)/[\w./-]*\w|/opt/taskward", (DEPLOY / "taskward.service").read_text()))
    assert {"/etc/taskward.env", "/opt/taskward", "/var/lib/taskward"} <= paths
    assert {path for path in paths if path not in guide} == set()
    sections = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", guide, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", guide)) == sections


def test_no_container_can_write_to_its_image_or_gain_rights() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert {name for name, service in services.items() if service.get("ports")} == {"proxy"}
    for name in ("app", "migrate", "redis", "proxy"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert "USER taskward" in (DEPLOY / "Dockerfile").read_text()


@contextmanager
def _behind_nginx(tmp_path: Path) -> Iterator[tuple[str, list[Server]]]:
    """Run two app servers over one database behind nginx."""
    with installation("sqlite", tmp_path / "instance") as env:
        env |= {"PUBLIC_URL": "https://tasks.example.org", "PROXY_HOPS": "1", "RATE_LIMIT": "0"}
        migrate(env)
        servers = [contextmanager(start_server)(env, tmp_path / f"log{number}", workers=1) for number in (1, 2)]
        with servers[0] as first, servers[1] as second:
            backends = [server.url.removeprefix("http://") for server in (first, second)]
            with nginx_server(tmp_path, backends) as url:
                yield url, [first, second]


def _https(url: str, directory: Path) -> HTTPSConnection:
    return HTTPSConnection(url.removeprefix("https://"), context=trusting(directory), timeout=20)


def test_what_one_client_asks_makes_nginx_give_up_no_server(tmp_path: Path) -> None:
    with _behind_nginx(tmp_path) as (address, _), closing(_https(address, tmp_path)) as connection:

        def ask(path: str) -> int:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status

        for _ in range(3):
            assert ask(f"/tasks?q={'%22' * 1300}") == 303  # its Location has all of that, and each % as %25
        with closing(sqlite3.connect(tmp_path / "instance" / "taskward.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
        assert [ask("/readyz") for _ in range(3)] == [503] * 3
        assert ask("/healthz") == 200


def test_two_app_servers_behind_nginx_are_one_taskward(tmp_path: Path) -> None:
    with _behind_nginx(tmp_path) as (address, servers), closing(_https(address, tmp_path)) as connection:

        def ask(method: str, path: str, body: object = None, **headers: str) -> HTTPResponse:
            connection.request(method, path, json.dumps(body) if body else None, JSON | headers)
            response = connection.getresponse()
            response.body = response.read()  # type: ignore[attr-defined]
            return response

        account = {"email": "ann@example.org", "password": "plum tractor violet harbour"}
        forged = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
        assert ask("POST", "/api/auth/register", account, **forged).status == 201
        tokens = json.loads(ask("POST", "/api/auth/login", account).body)  # type: ignore[attr-defined]
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        page = ask("GET", "/login")
        assert page.headers["Set-Cookie"].startswith("__Host-taskward_form=")
        assert page.headers["Strict-Transport-Security"]
        assert ask("GET", "/metrics").status == 404
        for _ in range(6):
            assert ask("GET", "/api/me", **bearer).status == 200
        logs = [server.log.read_text() for server in servers]
        assert all("/api/me" in log for log in logs)
        assert "198.51.100.9" not in "".join(logs)

        for site, coding in (("cross-site", None), ("same-origin", "gzip")):
            page = ask("GET", "/login", **{"Accept-Encoding": "gzip", "Sec-Fetch-Site": site})
            assert page.headers["Content-Encoding"] == coding

        servers[0].process.kill()
        servers[0].process.wait(timeout=10)
        assert [ask("GET", "/api/me", **bearer).status for _ in range(6)] == [200] * 6
        assert ask("POST", "/api/auth/logout", **bearer).status == 204
        assert ask("GET", "/api/me", **bearer).status == 401

        servers[1].process.kill()
        servers[1].process.wait(timeout=10)
        while ask("GET", "/feeds/SECRET.ics").status != 502:  # its worker notices by itself, within a second
            pass
        assert "SECRET" not in (tmp_path / "error.log").read_text() + (tmp_path / "access.log").read_text()
