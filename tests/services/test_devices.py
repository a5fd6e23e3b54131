"""Which device is asking, in words a person can tell apart."""

from contextvars import Context

import pytest
from flask import Flask

from app.services import devices
from tests.people import Person

MOZILLA = "Mozilla/5.0"
AGENTS = {
    "Firefox on Linux": f"{MOZILLA} (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Chrome on Windows": f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Edge on Windows": f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Safari on Mac OS X": f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15",
    "Mobile Safari on iOS": f"{MOZILLA} (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
    "curl": "curl/8.14.1",
    "my-script": "my-script/0.1 (+https://example.org)",
    "noslash": "noslash",
}


@pytest.mark.parametrize(("words", "agent"), AGENTS.items(), ids=AGENTS)
def test_a_device_is_called(words: str, agent: str) -> None:
    assert devices.describe(agent) == words


def test_nothing_is_said_of_a_device_that_says_nothing() -> None:
    assert devices.describe("") == ""


def test_outside_a_request_there_is_no_device() -> None:
    assert Context().run(devices.current) == ""


@pytest.mark.parametrize("agent", ["x" * 256, "/" * 256, "(" * 256, "\u00e9" * 256, "Mozilla/5.0 " * 20, "<script>"])
def test_no_device_is_too_odd_to_be_called_something_short(agent: str) -> None:
    assert len(devices.describe(agent)) <= 100


def test_a_sign_in_remembers_its_device(app: Flask, alice: Person) -> None:
    body = {"email": alice.email, "password": "correct horse battery staple"}
    agent = AGENTS["Firefox on Linux"]
    assert app.test_client().post("/api/auth/login", json=body, headers={"User-Agent": agent}).status_code == 200
    sessions = alice.get("/sessions").get_json()
    assert "Firefox on Linux" in str(sessions)
