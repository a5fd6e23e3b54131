"""Hashing: as much work for everybody, as many at once as there are cores, and renewed when the parameters change."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import User
from app.services import passwords
from app.services.errors import InvalidInput
from tests.conftest import ONE_DATABASE, MakeApp
from tests.installations import installation, opened
from tests.people import PASSWORD, Person

THREADS = 4 * (os.cpu_count() or 1)


@pytest.fixture
def hashing(tmp_path: Path) -> Iterator[Flask]:
    """An application whose database nobody asks for anything."""
    with installation("sqlite", tmp_path) as env, opened(env, migrated=False) as app:
        yield app


class Gauge:
    """Counts how many are inside argon2's own functions at the same moment, and with what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = self._now = 0
        self.verified: list[str] = []
        self._lock = threading.Lock()
        for name in ("hash", "verify"):
            monkeypatch.setattr(PasswordHasher, name, self._counted(getattr(PasswordHasher, name)))

    def _counted(self, original: Callable[..., object]) -> Callable[..., object]:
        def counted(hasher: PasswordHasher, *arguments: str) -> object:
            with self._lock:
                self._now += 1
                self.most = max(self.most, self._now)
                if len(arguments) > 1:
                    self.verified.append(arguments[0])
            try:
                return original(hasher, *arguments)
            finally:
                with self._lock:
                    self._now -= 1

        return counted


@pytest.fixture
def gauge(monkeypatch: pytest.MonkeyPatch) -> Gauge:
    """A gauge at the library, below everything of ours."""
    return Gauge(monkeypatch)


def _in_threads(work: Callable[[int], object]) -> None:
    start = threading.Barrier(THREADS)

    def together(number: int) -> None:
        start.wait()
        for _ in range(3):
            work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(together, range(THREADS)))


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_more_hashes_run_at_once_than_a_worker_has_cores(hashing: Flask, gauge: Gauge, at_once: int) -> None:
    # Parameters that nobody has used yet: after a start the hash for unknown addresses has to be made as well.
    hashing.config.update(ARGON2_MEMORY_KIB=19_900 + at_once, HASHES_AT_ONCE=at_once)

    def work(number: int) -> None:
        with hashing.app_context():
            stored = passwords.hash_password(PASSWORD) if number % 2 else None
            assert passwords.verify(stored, PASSWORD) is bool(number % 2)

    _in_threads(work)
    assert gauge.most == at_once


def test_past_the_service_the_gauge_does_see_more(gauge: Gauge) -> None:
    """The control: it is the service that limits, not the library or the gauge."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    _in_threads(lambda _: hasher.hash(PASSWORD))
    assert gauge.most > (os.cpu_count() or 1)


def test_while_every_core_hashes_other_requests_are_answered(hashing: Flask) -> None:
    done = threading.Event()

    def hash_on() -> None:
        while not done.is_set():
            with hashing.app_context():
                passwords.hash_password(PASSWORD)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(THREADS):
            pool.submit(hash_on)
        started = time.perf_counter()
        statuses = [hashing.test_client().get("/healthz").status_code for _ in range(10)]
        taken = time.perf_counter() - started
        done.set()
    assert statuses == [200] * 10
    assert taken < 5


def test_an_unknown_address_costs_the_same_hash_as_a_wrong_password(app: Flask, alice: Person, gauge: Gauge) -> None:
    costs = []
    for email in (alice.email, "nobody@example.org"):
        gauge.verified.clear()
        body = {"email": email, "password": "not the right one"}
        assert app.test_client().post("/api/auth/login", json=body).status_code == 401
        # Everything before the salt: the algorithm and its parameters.
        costs.append([stored.split("$")[1:4] for stored in gauge.verified])
    assert costs[0] == costs[1]
    assert len(costs[0]) == 1


@ONE_DATABASE
@pytest.mark.proves("ASVS 6.3.8")
@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org", "zoe@example.com", "no address"])
def test_an_unknown_address_costs_what_an_old_hash_costs(
    make_app: MakeApp, alice: Person, gauge: Gauge, email: str
) -> None:
    body = {"email": email, "password": "not the right one"}
    # Alice's hash was made before the work was raised.
    assert make_app(ARGON2_TIME_COST="3").test_client().post("/api/auth/login", json=body).status_code == 401
    assert gauge.verified == [_stored_hash(alice.app)]


def test_no_password_is_right_for_nobody(hashing: Flask) -> None:
    with hashing.app_context():
        for password in ("", PASSWORD, "dummy"):
            assert passwords.verify(None, password) is False


@pytest.mark.parametrize("stored", ["", "!", "$argon2id$", "$2b$12$" + "x" * 53])
def test_a_hash_that_is_none_is_a_wrong_password(hashing: Flask, stored: str) -> None:
    with hashing.app_context():
        assert passwords.verify(stored, PASSWORD) is False


def _stored_hash(app: Flask) -> str:
    with app.app_context(), db.read() as connection:
        return str(connection.scalar(select(User.password_hash)))


def _sign_in(app: Flask, password: str = PASSWORD) -> int:
    body = {"email": "alice@example.org", "password": password}
    return app.test_client().post("/api/auth/login", json=body).status_code


def test_signing_in_renews_a_hash_made_with_other_parameters(app: Flask, alice: Person, make_app: MakeApp) -> None:
    before = _stored_hash(app)
    assert _sign_in(app) == 200
    assert _stored_hash(app) == before
    stronger = make_app(ARGON2_TIME_COST="3", ARGON2_MEMORY_KIB="20480")
    assert _sign_in(stronger, "not the right one") == 401
    assert _stored_hash(app) == before
    assert _sign_in(stronger) == 200
    renewed = _stored_hash(app)
    assert renewed.startswith("$argon2id$v=19$m=20480,t=3,p=1$")
    assert _sign_in(stronger) == 200
    assert _stored_hash(app) == renewed
    assert _sign_in(app) == 200


def test_two_hashes_of_one_password_differ(hashing: Flask) -> None:
    with hashing.app_context():
        assert passwords.hash_password(PASSWORD) != passwords.hash_password(PASSWORD)


@pytest.mark.parametrize("password", ["x" * 11, "x" * 257, "", "\U0001f511" * 11])
def test_a_new_password_of_the_wrong_length_is_refused_under_its_field(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        passwords.check(password, "new_password")
    assert refused.value.errors.keys() == {"new_password"}
