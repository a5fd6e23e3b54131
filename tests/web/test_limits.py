"""How many requests are answered: who is counted for what, and what nothing else uses up."""

import time

import pytest

from tests.conftest import ONE_DATABASE, MakeApp
from tests.pages import Browser
from tests.people import PASSWORD, Person
from tests.web.limited import BODY, over, standing_clock, statuses


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


def test_a_browser_is_counted_for_another_address_as_for_registering_and_for_its_export_as_for_a_transfer(
    make_app: MakeApp, alice: Person
) -> None:
    with standing_clock():
        browser = Browser(make_app(RATE_LIMIT="20"), alice)
        exports = [browser.get("/account/data/export").status_code for _ in range(2)]
        changes = [browser.post("/account/email", "/account/email", email="nonsense").status_code for _ in range(2)]
    assert (exports, changes) == ([200, 429], [422, 429])
