"""Forwarded headers are believed only from as many proxies as there are said to be."""

import json
from http.client import HTTPConnection
from typing import Any

import pytest
from flask import Flask

from app.web import logs
from tests.conftest import ONE_DATABASE, MakeApp
from tests.servers import Server

FORWARDED = {
    "X-Forwarded-For": "198.51.100.7, 203.0.113.5",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}


def _logged_ip(app: Flask, capsys: pytest.CaptureFixture[str], **headers: str) -> Any:
    capsys.readouterr()
    assert app.test_client().get("/healthz", headers=FORWARDED | headers).status_code == 200
    return json.loads(capsys.readouterr().err)["ip"]


@pytest.mark.parametrize(
    ("hops", "ip"), [("0", "127.0.0.1"), ("1", "203.0.113.5"), ("2", "198.51.100.7"), ("3", "127.0.0.1")]
)
def test_the_address_of_a_visitor_is_taken_from_the_last_proxy_that_is_ours(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], hops: str, ip: str
) -> None:
    assert _logged_ip(make_app(PROXY_HOPS=hops), capsys) == ip


@pytest.mark.parametrize("hops", ["0", "1"])
def test_no_forwarded_header_moves_a_redirect_elsewhere(make_app: MakeApp, hops: str) -> None:
    response = make_app(PROXY_HOPS=hops).test_client().get("/", headers=FORWARDED)
    assert response.status_code == 303
    assert response.headers["Location"] == "/login"


@pytest.mark.proves("ASVS 4.1.3")
@pytest.mark.parametrize("path", ["/evil/healthz", "/healthz"])
def test_the_server_itself_believes_nobody_about_prefix_path_and_scheme(server: Server, path: str) -> None:
    headers = {"Script_Name": "/evil", "SCRIPT_NAME": "/evil", "PATH_INFO": "/login", "X-Forwarded-Proto": "https"}
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path, headers=headers | {"X-Forwarded-Ssl": "off"})
    assert connection.getresponse().status == (200 if path == "/healthz" else 404)
    connection.close()
    connection.request("GET", "/", headers=headers)
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (303, "/login")
    connection.close()


@ONE_DATABASE
@pytest.mark.parametrize(
    ("forwarded", "ip"),
    [
        ("192.0.2.1:5555", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[]", ""),
        ("[192.0.2.1", ""),
        ("192.0.2.1:", ""),
        ("192.0.2.256:80", ""),
    ],
)
def test_a_proxy_may_write_the_port_beside_the_address(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], forwarded: str, ip: str
) -> None:
    app = make_app(PROXY_HOPS="1")
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "unknown"})
    assert _logged_ip(app, capsys, **{"X-Forwarded-For": forwarded}) == ip


def test_a_proxy_that_forwards_no_address_is_complained_of_once(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    logs._warn_of_no_address.cache_clear()
    logs._address.cache_clear()
    client = make_app(PROXY_HOPS="1").test_client()
    for _ in range(3):
        client.get("/healthz", headers={"X-Forwarded-For": "unknown"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["level"] for line in lines].count("warning") == 1
