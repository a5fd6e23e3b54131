"""How many requests are answered, what answers say about it, and what becomes of that without Redis."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

import config
from app.extensions import db
from tests.conftest import ONE_DATABASE, MakeApp
from tests.pages import Browser
from tests.people import PASSWORD, Person
from tests.redis_server import RedisServer, redis_server
from tests.servers import Server, start_server

BODY = {"email": "nobody@example.org", "password": PASSWORD}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that is running and empty."""
    with redis_server(tmp_path) as server:
        yield server


@contextmanager
def standing_clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock


def over(app: Flask, person: Person) -> Person:
    """Return the person as a client of another application over the same database."""
    return Person(app, person.id, person.email, person.access_token, person.refresh_token)


def statuses(person: Person, times: int, path: str = "/api/me") -> list[int]:
    return [person.get(path).status_code for _ in range(times)]


def recorded(app: Flask) -> list[str]:
    with app.app_context(), db.read() as connection:
        query = "SELECT user_id FROM security_events WHERE event = 'excess_rate_limit_exceeded' ORDER BY id"
        return [str(each).replace("-", "") for each in connection.execute(text(query)).scalars()]


def test_a_sign_in_gets_so_many_answers_a_minute(make_app: MakeApp, alice: Person) -> None:
    with standing_clock() as clock:
        app = make_app(RATE_LIMIT="6")
        here, elsewhere = over(app, alice.another_sign_in()), over(app, alice.another_sign_in())
        assert statuses(here, 7) == [200] * 6 + [429]
        assert statuses(here, 1, "/tasks") == [429]
        assert statuses(elsewhere, 6) == [200] * 6
        clock.shift(61)
        assert statuses(here, 1) == [200]


#: Method, path and body of what puts a thief out.
WAYS_OUT = [
    ("GET", "/sessions", None),
    ("DELETE", "/sessions/{other}", None),
    ("DELETE", "/sessions", None),
    ("POST", "/reauthenticate", {"password": PASSWORD}),
    ("PUT", "/password", {"current_password": PASSWORD, "new_password": "an entirely new passphrase"}),
    ("DELETE", "", {"password": PASSWORD}),
    ("POST", "/api/auth/logout", None),
]


@ONE_DATABASE
@pytest.mark.parametrize(("method", "path", "body"), WAYS_OUT)
def test_nothing_else_uses_up_what_the_ways_out_need(
    make_app: MakeApp, alice: Person, method: str, path: str, body: object
) -> None:
    app = make_app(RATE_LIMIT="20")
    other = alice.another_sign_in()
    sid = next(each["id"] for each in other.get("/sessions").get_json()["items"] if each["current"])
    with standing_clock():
        person = over(app, alice)
        assert statuses(person, 21)[20:] == [429]
        assert person.call(method, path.replace("{other}", sid), json=body).status_code in (200, 204)


@ONE_DATABASE
def test_nothing_else_uses_up_what_the_ways_out_of_a_browser_need(make_app: MakeApp, alice: Person) -> None:
    with standing_clock():
        browser = Browser(make_app(RATE_LIMIT="40"), alice)
        assert [browser.get("/tasks").status_code for _ in range(41)][40:] == [429]
        assert browser.get("/account").status_code == 200
        assert browser.post("/account/sessions/end-others", "/account").status_code == 303
        assert browser.post("/account/confirm", "/account/confirm", password=PASSWORD).status_code == 303


def test_a_browser_without_an_access_token_is_counted_by_its_refresh_token(make_app: MakeApp, alice: Person) -> None:
    app = make_app(RATE_LIMIT="2")
    with standing_clock():
        app_statuses = [app.test_client().get("/nothing").status_code for _ in range(3)]
        assert app_statuses == [404, 404, 429]
        browser = Browser(app)
        browser.keep("REFRESH_COOKIE_NAME", alice.refresh_token)
        assert browser.get("/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/reauthenticate", "/password", ""])
def test_what_costs_a_hash_is_counted_like_signing_in(make_app: MakeApp, alice: Person, path: str) -> None:
    with standing_clock():
        person = over(make_app(RATE_LIMIT="30"), alice)
        method = {"/reauthenticate": "POST", "/password": "PUT", "": "DELETE"}[path]
        assert [person.call(method, path, json={}).status_code for _ in range(4)] == [422] * 3 + [429]
        assert statuses(person, 1) == [200]


def test_revoking_is_not_held_up_by_the_other_endpoints_of_oauth(make_app: MakeApp, alice: Person) -> None:
    client = make_app(RATE_LIMIT="4").test_client()
    with standing_clock():
        assert [client.post("/oauth/token").status_code for _ in range(3)][2:] == [429]
        assert client.post("/oauth/revoke", data={"token": alice.refresh_token}).status_code in (200, 400)


def test_without_a_good_token_a_network_is_counted(make_app: MakeApp, alice: Person) -> None:
    client = make_app(RATE_LIMIT="4").test_client()

    def ask(ip: str, token: str = "x.y.z", path: str = "/api/me") -> int:
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": f"10.0.0.{time.perf_counter_ns() % 250}"}
        return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": ip}).status_code

    assert [ask("192.0.2.1"), ask("192.0.2.2", path="/api/nothing"), ask("192.0.2.3", path="/")] == [401, 404, 303]
    assert [ask("192.0.2.4"), ask("192.0.2.5"), ask("192.0.2.6", path="/api/nothing")] == [401, 429, 429]
    assert ask("198.51.100.1") == 401
    assert ask("192.0.2.1", alice.access_token) == 200
    assert [ask(f"2001:db8::{n}") for n in range(1, 6)] == [401] * 4 + [429]


@ONE_DATABASE
@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/api/auth/register", BODY | {"password": "short"}, 3),
        ("/api/auth/login", BODY | {"extra": 1}, 6),
        ("/api/auth/refresh", {"refresh_token": "x"}, 30),
        ("/register", None, 3),
        ("/login", None, 6),
        ("/oauth/token", None, 30),
        ("/oauth/revoke", None, 30),
    ],
)
def test_what_needs_no_token_has_a_share_of_the_limit(
    make_app: MakeApp, alice: Person, path: str, body: dict[str, object] | None, allowed: int
) -> None:
    client = make_app(RATE_LIMIT="60").test_client()
    # A token of one's own buys no further share.
    headers = alice.bearer()
    with standing_clock():
        answers = [client.post(path, json=body, headers=headers).status_code for _ in range(allowed + 2)]
    assert answers[allowed:] == [429, 429]
    assert 429 not in answers[:allowed]
    assert client.get("/login").status_code == 200


def test_health_files_and_unchanged_answers_are_not_counted(make_app: MakeApp, alice: Person) -> None:
    app = make_app(RATE_LIMIT="3")

    @app.get("/api/unchanged")
    def unchanged() -> tuple[str, int]:
        return "", 304

    client = app.test_client()
    for path in ("/healthz", "/readyz", "/static/app.css"):
        for _ in range(5):
            response = client.get(path)
            assert response.status_code == 200
            assert "RateLimit" not in response.headers
            response.close()
    assert statuses(over(app, alice), 5, "/api/unchanged") == [304] * 5
    assert statuses(over(app, alice), 4) == [200] * 3 + [429]


def test_every_answer_says_what_is_left(make_app: MakeApp, alice: Person) -> None:
    with standing_clock() as clock:
        app = make_app(RATE_LIMIT="60")
        person = over(app, alice.another_sign_in())
        first = person.get("/api/me").headers
        assert (first["RateLimit-Policy"], first["RateLimit"]) == ('"default";q=60;w=60', '"default";r=59;t=60')
        clock.shift(20)
        assert person.get("/tasks").headers["RateLimit"] == '"default";r=58;t=40'
        login = app.test_client().post("/api/auth/login", json=BODY).headers
        assert login["RateLimit-Policy"] == '"login";q=6;w=60'
        assert login["RateLimit"].startswith('"login";r=5;')


def test_a_refusal_says_how_long_to_wait_in_each_voice(make_app: MakeApp, alice: Person) -> None:
    with standing_clock():
        client = make_app(RATE_LIMIT="1").test_client()
        for path in ("/oauth/token", "/login", "/api/me"):
            client.open(path, method="GET" if path == "/api/me" else "POST")
        problem = client.get("/api/me")
        assert problem.status_code == 429
        assert problem.content_type == "application/problem+json"
        assert problem.get_json()["type"] == "urn:taskward:problem:too-many-requests"
        assert problem.get_json()["detail"] == "Too many requests. Wait 60 seconds and try again."
        assert problem.headers["Retry-After"] == "60"
        assert problem.headers["RateLimit"] == '"default";r=0;t=60'
        assert "Content-Security-Policy" in problem.headers
        oauth = client.post("/oauth/token")
        assert (oauth.status_code, oauth.headers["Retry-After"]) == (429, "60")
        assert oauth.get_json()["error"] == "temporarily_unavailable"
        page = client.post("/login")
        assert (page.status_code, page.headers["Retry-After"]) == (429, "60")
        assert page.mimetype == "text/html"
        assert "Wait 60 seconds and try again." in page.text
        assert "Try again in" not in page.text  # once is enough


@pytest.mark.proves("ASVS 16.3.3")
def test_a_breach_is_one_event_for_each_key_and_minute(make_app: MakeApp, app: Flask, alice: Person) -> None:
    with standing_clock() as clock:
        limited = make_app(RATE_LIMIT="2")
        person = over(limited, alice.another_sign_in())
        statuses(person, 8)
        [limited.test_client().get("/api/me") for _ in range(8)]
        assert recorded(app) == [alice.id.replace("-", ""), "None"]
        clock.shift(61)
        statuses(person, 8)
        assert len(recorded(app)) == 3


def test_the_account_may_be_gone(make_app: MakeApp, app: Flask, alice: Person) -> None:
    person = over(make_app(RATE_LIMIT="2"), alice)
    assert alice.delete(json={"password": PASSWORD}).status_code == 204
    assert statuses(person, 4) == [401, 401, 429, 429]
    assert recorded(app) == []


def test_zero_means_no_limit_and_no_headers(make_app: MakeApp, alice: Person) -> None:
    response = over(make_app(RATE_LIMIT="0"), alice).get("/api/me")
    assert response.status_code == 200
    assert "RateLimit" not in response.headers


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
