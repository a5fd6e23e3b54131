"""A real nginx for tests, with the very file that `deploy/` has for operators."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.programs import ROOT
from tests.servers import free_port

MISSING = "the tests need nginx; on Debian: apt install nginx-light"
MAIN = """
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
worker_processes 1;
events {{ worker_connections {connections}; }}
http {{
    # As Debian's own file has it around whatever is included.
    access_log {directory}/access.log;
    gzip on;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/taskward.conf;
}}
"""


@contextmanager
def nginx_server(directory: Path, backends: Sequence[str], connections: int = 512) -> Iterator[str]:
    """Run nginx in front of two addresses (``host:port``) until the block ends; yields its https URL."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise RuntimeError(MISSING)
    plain, tls = free_port(), free_port()
    site = (ROOT / "deploy/nginx.conf").read_text()
    for written, here in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
        "listen [::]:443 ssl http2;": "",
        "/etc/letsencrypt/live/tasks.example.org": str(directory),
        "127.0.0.1:8001": backends[0],
        "127.0.0.1:8002": backends[1],
    }.items():
        if written not in site:
            raise RuntimeError(f"deploy/nginx.conf has no {written!r} any more")
        site = site.replace(written, here)
    (directory / "taskward.conf").write_text(site)
    main = directory / "nginx.conf"
    main.write_text(MAIN.format(directory=directory, connections=connections))
    _make_certificate(directory)
    with subprocess.Popen([program, "-c", str(main), "-p", str(directory)]) as process:
        try:
            _wait_until_it_listens(tls, process, directory)
            yield f"https://127.0.0.1:{tls}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def trusting(directory: Path) -> ssl.SSLContext:
    """Return a TLS context that believes the certificate of the nginx run from ``directory``."""
    context = ssl.create_default_context(cafile=str(directory / "fullchain.pem"))
    context.check_hostname = False
    return context


def _make_certificate(directory: Path) -> None:
    key, certificate = directory / "privkey.pem", directory / "fullchain.pem"
    names = ["-subj", "/CN=tasks.example.org", "-days", "2", "-nodes"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], check=True, capture_output=True)


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]", directory: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ssl.get_server_certificate(("127.0.0.1", port), timeout=2)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nginx did not start:\n{(directory / 'error.log').read_text()}")
