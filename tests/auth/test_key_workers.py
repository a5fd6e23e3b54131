"""Under gunicorn with two workers, on each database: a rotation that nobody notices, and a key that dies everywhere."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import time_machine
from flask import Flask

from tests.auth.workers import call, refresh, sign_in
from tests.conftest import ONE_DATABASE
from tests.key_ring import JWKS, command, kid_of, rotate
from tests.people import Person
from tests.servers import Server, start_server

RING_MAX_AGE = 5


@pytest.fixture
def own_server(app: Flask, environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """A gunicorn of the test's own: workers remember keys for some seconds, and so for the next test."""
    yield from start_server(environment, tmp_path / "log")


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait until something has become true, which must not take longer than that."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


class Reader(threading.Thread):
    """A client that reads with its token all the time, and renews it now and then."""

    def __init__(self, server: Server, person: Person) -> None:
        super().__init__()
        self.server, self.pair = server, sign_in(server, person)
        self.statuses: list[int] = []
        self.kids: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for _ in range(5):
                self.statuses.append(call(self.server, "GET", "/api/me", self.pair["access_token"])[0])
            status, pair = refresh(self.server, self.pair["refresh_token"])
            self.statuses.append(status)
            self.pair = pair
            self.kids.append(kid_of(pair["access_token"]))
            self.over.wait(0.8)  # the other tests want the cores as well


@pytest.mark.proves("RFC 7517 §5", "ASVS 7.4.1")
def test_a_rotation_under_load_fails_no_request_and_a_retired_key_dies_in_every_worker(
    own_server: Server, app: Flask, alice: Person
) -> None:
    before = sign_in(own_server, alice)["access_token"]
    readers = [Reader(own_server, alice) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        with time_machine.travel(datetime.now(UTC) - timedelta(seconds=120 - RING_MAX_AGE - 2)):
            new = rotate(app, "ES256")
        wait_until(lambda: all(new in reader.kids for reader in readers), 2 * RING_MAX_AGE + 4)
        time.sleep(1)  # what the other worker does meanwhile must be right as well
    finally:
        for reader in readers:
            reader.over.set()
        for reader in readers:
            reader.join()
    assert {status for reader in readers for status in reader.statuses} == {200}
    for reader in readers:
        turn = reader.kids.index(new)
        assert turn > 0
        assert set(reader.kids[:turn]) == {kid_of(before)}

    # Both workers sign with the new key and believe both.
    pairs = [sign_in(own_server, alice) for _ in range(8)]
    assert {kid_of(pair["access_token"]) for pair in pairs} == {new}
    tokens = [before, *(pair["access_token"] for pair in pairs)]
    assert {call(own_server, "GET", "/api/me", token)[0] for token in tokens for _ in range(2)} == {200}
    outsider = jwt.PyJWKClient(own_server.url + JWKS)
    issuer = app.config["PUBLIC_URL"]
    for pair in pairs:
        key = outsider.get_signing_key_from_jwt(pair["access_token"])
        claims = jwt.decode(pair["access_token"], key, audience=issuer, issuer=issuer)
        assert claims["sub"] == alice.id

    command(app, "retire", new)

    def answers() -> set[int]:
        return {call(own_server, "GET", "/api/me", pair["access_token"])[0] for pair in pairs for _ in range(2)}

    wait_until(lambda: answers() == {401}, RING_MAX_AGE + 0.5)
    assert answers() == {401}
    assert call(own_server, "GET", "/api/me", before)[0] == 200
    assert {refresh(own_server, pair["refresh_token"])[0] for pair in pairs} == {200}
    assert new not in own_server.log.read_text()


@ONE_DATABASE
def test_a_server_started_under_another_secret_says_so_once_and_serves(
    app: Flask, environment: dict[str, str], tmp_path: Path, alice: Person
) -> None:
    kid = rotate(app, "ES256", "--now")
    other = environment | {"SECRET_KEY": "another secret key of at least thirty-two characters"}
    servers = start_server(other, tmp_path / "log")
    server = next(servers)
    try:
        tokens = [sign_in(server, alice)["access_token"] for _ in range(6)]
        assert {call(server, "GET", "/api/me", token)[0] for token in tokens} == {200}
        lines = server.log.read_text().splitlines()
        assert len([line for line in lines if "another SECRET_KEY" in line and kid in line]) == 1
    finally:
        servers.close()  # type: ignore[attr-defined]
