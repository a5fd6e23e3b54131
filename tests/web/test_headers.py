"""Security headers: on every answer, whatever it is."""

from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.people import Person

pytestmark = ONE_DATABASE

Ask = Callable[[Person], TestResponse]


def _boom(person: Person) -> TestResponse:
    app = person.app
    app.testing = False
    return app.test_client().get("/api/boom")


def _unmodified(person: Person) -> TestResponse:
    client = person.client
    with client.get("/static/app.css") as first:
        return client.get("/static/app.css", headers={"If-None-Match": first.headers["ETag"]})


ANSWERS: dict[str, tuple[int, Ask]] = {
    "JSON": (200, lambda person: person.get("/tasks")),
    "created": (201, lambda person: person.post("/tasks", {"title": "x"})),
    "no content": (204, lambda person: person.delete(f"/tasks/{person.make_task()['id']}")),
    "redirect": (303, lambda person: person.client.get("/")),
    "not modified": (304, _unmodified),
    "malformed": (400, lambda person: person.call("POST", "/tasks", data=b"{", content_type="application/json")),
    "form without its token": (400, lambda person: person.client.post("/login")),
    "no token": (401, lambda person: person.client.get("/api/me")),
    "stranger": (403, lambda person: person.get("/api/users/01900000-0000-7000-8000-000000000000")),
    "not found, program": (404, lambda person: person.get("/api/nothing")),
    "not found, page": (404, lambda person: person.client.get("/nothing")),
    "not found, file": (404, lambda person: person.client.get("/static/nothing")),
    "not found, oauth": (404, lambda person: person.client.get("/oauth/nothing")),
    "method": (405, lambda person: person.client.get("/oauth/token")),
    "too large": (413, lambda person: person.client.post("/login", data=b"x" * 1_000_000, content_type="text/plain")),
    "other type": (415, lambda person: person.call("POST", "/tasks", data=b"", content_type="text/plain")),
    "bad input": (422, lambda person: person.post("/tasks", {})),
    "fault": (500, _boom),
    "page": (200, lambda person: person.client.get("/login")),
    "static file": (200, lambda person: person.client.get("/static/app.css")),
    "health": (200, lambda person: person.client.get("/healthz")),
    "options": (200, lambda person: person.client.options("/api/me")),
    "head": (200, lambda person: person.client.head("/login")),
    "logged out": (204, lambda person: person.post("/api/auth/logout")),
}


@pytest.fixture
def carol(make_app: MakeApp, alice: Person) -> Person:
    """Alice at an application with a route that fails."""
    app = make_app()

    def boom() -> None:
        raise RuntimeError

    app.add_url_rule("/api/boom", "boom", boom)
    return Person(app, alice.id, alice.email, alice.access_token, alice.refresh_token)


@in_turn(("status", "ask"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_carries_the_security_headers(carol: Person, status: int, ask: Ask) -> None:
    with ask(carol) as response:
        assert response.status_code == status
        headers = response.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        if status == 304:
            # It would replace the policy of what the browser has kept.
            assert "Content-Security-Policy" not in headers
        else:
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
        assert headers["X-Request-Id"]
        assert "Server" not in headers
        for name in headers.keys():  # noqa: SIM118 - these have duplicates
            assert len(headers.getlist(name)) == 1 or name == "Set-Cookie", name


@in_turn(("status", "ask"), ANSWERS.values(), ids=ANSWERS)
def test_nothing_about_a_person_is_kept_by_caches(carol: Person, status: int, ask: Ask) -> None:
    with ask(carol) as response:
        assert response.status_code == status
        if response.request.path != "/static/app.css":
            assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/register", "/nothing"])
def test_a_page_may_load_and_run_only_what_is_ours(app: Flask, path: str) -> None:
    policy = app.test_client().get(path).headers["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert {directives[f"{kind}-src"] for kind in ("script", "style", "img", "font", "connect")} == {"'self'"}
    assert directives["base-uri"] == directives["object-src"] == directives["frame-ancestors"] == "'none'"
    assert directives["form-action"] == "'self'"
    assert directives["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


def test_the_page_of_the_api_may_besides_draw_markup_and_inline_images(app: Flask) -> None:
    policies = [app.test_client().get(path).headers["Content-Security-Policy"] for path in ("/login", "/api/docs")]
    ours, theirs = (set(policy.split("; ")) for policy in policies)
    assert ours - theirs == {"img-src 'self'", "require-trusted-types-for 'script'", "trusted-types service-worker"}
    assert theirs - ours == {"img-src 'self' data:"}


def test_data_may_load_nothing(app: Flask) -> None:
    policy = app.test_client().get("/healthz").headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/login", "/nothing", "/api/me", "/healthz", "/static/app.css"])
def test_over_https_every_answer_asks_for_https_from_now_on(make_app: MakeApp, path: str) -> None:
    client = make_app(PUBLIC_URL="https://tasks.example.org").test_client()
    with client.get(path, base_url="https://tasks.example.org") as response:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("public", "name", "secure"),
    [
        ("https://tasks.example.org", "__Host-taskward_form", True),
        ("http://tasks.example.org", "taskward_form", False),
    ],
)
def test_the_form_cookie_is_as_safe_as_its_address_allows(
    make_app: MakeApp, public: str, name: str, secure: bool
) -> None:
    response = make_app(PUBLIC_URL=public).test_client().get("/login", base_url=public)
    (cookie,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    assert cookie.key == name
    assert (bool(cookie["secure"]), cookie["httponly"], cookie["samesite"]) == (secure, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
