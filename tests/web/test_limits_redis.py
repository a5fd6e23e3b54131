"""Requests counted in Redis by all processes together, and by each for itself while Redis is away."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

import config
from tests.conftest import ONE_DATABASE, MakeApp
from tests.people import Person
from tests.redis_server import RedisServer, redis_server
from tests.servers import Server, start_server
from tests.web.limited import over, statuses


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that is running and empty."""
    with redis_server(tmp_path) as server:
        yield server


@ONE_DATABASE
def test_two_workers_count_together_in_redis(
    app: Flask, environment: dict[str, str], alice: Person, redis: RedisServer, tmp_path: Path
) -> None:
    variables = environment | {"RATE_LIMIT": "30", "REDIS_URL": redis.url}
    servers = start_server(variables, tmp_path / "log")
    server = next(servers)

    def ask(_: int) -> int:
        return fetch(server, alice)

    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, range(60)))
        # Two requests of one moment may both see the last one left.
        assert 30 <= answers.count(200) <= 30 + 4
        assert answers.count(429) == 60 - answers.count(200)
        redis.stop()
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(ask, range(20))) <= {200, 429}
        redis.start()
        assert set(map(ask, range(5))) <= {200, 429}
    finally:
        servers.close()
    log = server.log.read_text()
    assert "redis://" not in log
    # Once per worker, or by each of the four requests that notice at the same moment; not by all of the 25.
    assert 1 <= log.count("Redis does not answer") <= 8


def fetch(server: Server, person: Person) -> int:
    request = urllib.request.Request(f"{server.url}/api/me", headers=person.bearer())
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@ONE_DATABASE
def test_applications_over_one_redis_count_together_and_a_restart_forgets_nothing(
    make_app: MakeApp, alice: Person, redis: RedisServer
) -> None:
    one, two = (over(make_app(RATE_LIMIT="5", REDIS_URL=redis.url), alice) for _ in range(2))
    assert statuses(one, 3) + statuses(two, 3) == [200] * 5 + [429]
    assert statuses(over(make_app(RATE_LIMIT="5", REDIS_URL=redis.url), alice), 1) == [429]


@ONE_DATABASE
def test_without_redis_each_process_counts_until_it_is_back(
    make_app: MakeApp, alice: Person, redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    person = over(make_app(RATE_LIMIT="4", REDIS_URL=redis.url), alice)
    assert statuses(person, 2) == [200] * 2
    redis.stop()
    capsys.readouterr()
    assert statuses(person, 6) == [200] * 4 + [429] * 2
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line["event"] for line in lines if "Redis" in line["event"]]
    assert told == ["Redis does not answer: each process counts rate limits for itself"]
    redis.start()
    deadline = time.monotonic() + 60
    while "in Redis again" not in capsys.readouterr().err:
        assert time.monotonic() < deadline
        person.get("/api/me")
        time.sleep(0.1)
    assert set(statuses(person, 8)) == {200, 429}
    remaining = re.fullmatch(r'"default";r=(\d+);t=\d+', person.get("/api/me").headers["RateLimit"])
    assert remaining
    assert remaining[1] == "0"


def test_the_application_starts_and_answers_while_redis_is_away(make_app: MakeApp, alice: Person) -> None:
    person = over(make_app(RATE_LIMIT="4", REDIS_URL="redis://127.0.0.1:1/0"), alice)
    assert statuses(person, 6) == [200] * 4 + [429] * 2


def test_a_redis_that_accepts_and_says_nothing_delays_one_request_only(make_app: MakeApp, alice: Person) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        person = over(make_app(RATE_LIMIT="40", REDIS_URL=url), alice)
        started = time.monotonic()
        assert statuses(person, 10) == [200] * 10
        assert time.monotonic() - started < 5


@ONE_DATABASE
@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://host:port",
        "redis://host/name",
        "redis://host?x=1",
        "memory://",
    ],
)
def test_a_bad_redis_url_stops_the_start(environment: dict[str, str], url: str) -> None:
    with pytest.raises(config.ConfigError, match=r"^REDIS_URL: accepts"):
        config.load(environment | {"REDIS_URL": url})


@ONE_DATABASE
@pytest.mark.parametrize("url", ["redis://localhost", "rediss://user:secret@[::1]:6380/3", "redis://:secret@cache/"])
def test_a_good_redis_url_is_taken(environment: dict[str, str], url: str) -> None:
    assert config.load(environment | {"REDIS_URL": url})["REDIS_URL"] == url
