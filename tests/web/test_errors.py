"""Every error in the voice of its path: problem+json, OAuth, or a page."""

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, TooManyRequests

from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import Person
from tests.problems import check_problem

SECRET = "what only the log may say"


@pytest.fixture
def throwaway(make_app: MakeApp) -> Flask:
    """An application with routes that fail, answering as in production."""
    app = make_app()
    app.testing = False
    wrong = OperationalError("SELECT 1", {}, Exception(SECRET))
    failures: dict[str, Exception] = {
        "bug": RuntimeError(SECRET),
        "down": wrong,
        "busy": PoolTimeout(SECRET),
        "clash": IntegrityError("INSERT", {}, Exception(SECRET)),
        "limit": TooManyRequests("Slow down.", retry_after=7),
    }
    for voice in ("api", "oauth", "page"):
        for name, error in failures.items():

            def fail(error: Exception = error) -> None:
                raise error

            app.add_url_rule(f"/{voice}/{name}", f"{voice}_{name}", fail)
    return app


def test_an_unknown_address_of_the_api_is_a_problem(client: FlaskClient) -> None:
    response = client.get("/api/nothing?access_token=secret")
    check_problem(response, 404, "/api/nothing")
    assert response.get_json()["type"] == "about:blank"
    assert response.get_json()["title"] == "Not Found"
    assert "secret" not in response.text


@in_turn("path", ["/.well-known/nothing", "/healthz/nothing", "/api", "/api/"])
def test_what_programs_ask_is_answered_for_programs(client: FlaskClient, path: str) -> None:
    check_problem(client.get(path), 404, path)


def test_a_method_that_is_not_offered_is_a_problem_that_says_which_are(client: FlaskClient) -> None:
    response = client.delete("/api/me")
    check_problem(response, 405, "/api/me")
    assert {method.strip() for method in response.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


def test_a_body_too_large_and_one_of_another_type_are_problems(alice: Person) -> None:
    path = alice.url("/tasks")
    big = alice.call("POST", "/tasks", data=b"{" * 1_000_000, content_type="application/json")
    check_problem(big, 413, path)
    check_problem(alice.call("POST", "/tasks", data=b"<x/>", content_type="text/xml"), 415, path)


@pytest.mark.parametrize("name", ["bug", "clash"])
def test_a_fault_of_ours_is_500_without_a_word_about_it(throwaway: Flask, name: str) -> None:
    client = throwaway.test_client()
    details = set()
    for _ in range(2):
        response = client.get(f"/api/{name}")
        details.add(check_problem(response, 500, f"/api/{name}"))
        assert SECRET not in response.text
        assert "Traceback" not in response.text
    assert details == {
        "Something went wrong on our side; nothing you sent was at fault. Try again in a moment.",
    }


@pytest.mark.parametrize("name", ["down", "busy"])
def test_a_database_that_fails_is_503_and_says_when_to_try_again(throwaway: Flask, name: str) -> None:
    response = throwaway.test_client().get(f"/api/{name}")
    check_problem(response, 503, f"/api/{name}")
    assert int(response.headers["Retry-After"]) > 0
    assert SECRET not in response.text


def test_headers_an_error_comes_with_are_kept(throwaway: Flask) -> None:
    for voice in ("api", "oauth", "page"):
        response = throwaway.test_client().get(f"/{voice}/limit")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


@in_turn(
    ("path", "status", "code"),
    [
        ("/oauth/nothing", 404, "invalid_request"),
        ("/oauth/token", 405, "invalid_request"),
        ("/oauth/bug", 500, "server_error"),
        ("/oauth/down", 503, "temporarily_unavailable"),
    ],
)
def test_under_oauth_errors_are_those_of_rfc_6749(throwaway: Flask, path: str, status: int, code: str) -> None:
    response = throwaway.test_client().get(path)
    assert response.status_code == status
    assert response.content_type == "application/json"
    body = response.get_json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == code
    assert SECRET not in response.text
    assert ("Allow" in response.headers) == (status == 405)
    assert ("Retry-After" in response.headers) == (status == 503)


def test_an_oauth_description_has_only_characters_the_rfc_allows(client: FlaskClient) -> None:
    response = client.post("/oauth/token", data={"grant_type": '"\\\u00e9\n'})
    assert response.status_code == 400
    assert all(" " <= c <= "~" and c not in '"\\' for c in response.get_json()["error_description"])


@ONE_DATABASE
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../wsgi.py", 404),
        ("DELETE", "/login", 405),
        ("GET", "/page/bug", 500),
        ("GET", "/page/down", 503),
    ],
)
def test_elsewhere_errors_are_pages(throwaway: Flask, method: str, path: str, status: int) -> None:
    response = throwaway.test_client().open(path, method=method)
    assert response.status_code == status
    assert response.content_type == "text/html; charset=utf-8"
    assert "<h1>" in response.text
    assert response.headers["X-Request-Id"] in response.text
    assert SECRET not in response.text
    assert ("Allow" in response.headers) == (status == 405)
    assert ("Retry-After" in response.headers) == (status == 503)


def test_a_page_says_what_happened_what_to_do_and_the_way_back(throwaway: Flask, alice: Person) -> None:
    task, browser = alice.make_task(), Browser(throwaway, alice)
    came_from = {"Referer": f"{browser.origin}/tasks?status=today&q=a"}
    expected = {
        ("GET", "/nowhere"): (404, "Perhaps it was deleted", "in the trash"),
        ("GET", f"/tasks/{task['id'][:-4]}0000"): (404, "There is no", "in the trash"),
        ("GET", "/logout"): (405, "cannot be opened", "Go back"),
        ("GET", "/page/status/403"): (403, "You are not allowed", "sign in to the account"),
        ("GET", "/page/status/401"): (401, "your sign-in is over", 'href="/login"'),
        ("GET", "/page/limit"): (429, "Slow down.", "Try again in 7 seconds."),
        ("GET", "/page/down"): (503, "The database does not answer.", "Try again in 5 seconds."),
        ("GET", "/page/bug"): (500, "nothing you sent was at fault", "Number of this request"),
        ("POST", "/login"): (413, "nothing of it was saved", "what you typed should still be there"),
    }
    throwaway.add_url_rule("/page/status/<int:code>", "page_status", abort)
    for (method, path), (status, what, then) in expected.items():
        data = {"email": "x" * 600_000} if method == "POST" else None
        answer = browser.client.open(path, method=method, data=data, base_url=browser.origin, headers=came_from)
        assert answer.status_code == status, path
        assert what in answer.text, path
        assert then in answer.text, path
        assert 'href="/tasks?status=today&amp;q=a"' in answer.text, path
        assert "Werkzeug" not in answer.text
        assert "server" not in answer.text.replace("whoever runs this server", ""), path
        # A view that let the person in knows who it is; nobody is asked for again.
        assert ('action="/logout"' in answer.text) is path.startswith("/tasks/"), path


@in_turn(
    "referer",
    [
        "https://evil.example/x",
        "//evil.example",
        "http://127.0.0.1:8000//evil.example",
        "http://127.0.0.1:8000/\\evil.example",
        "http://127.0.0.1:8000@evil.example/",
        "http://[",
        "javascript:x",
    ],
)
def test_the_way_back_leads_nowhere_but_to_this_site(client: FlaskClient, referer: str) -> None:
    page = client.get("/nowhere", headers={"Referer": referer}, base_url="http://127.0.0.1:8000").text
    assert "evil" not in page
    assert "Back to where you were" not in page


def test_a_long_wait_is_said_in_minutes(throwaway: Flask) -> None:
    throwaway.add_url_rule("/page/long", "long", lambda: abort(429, response=None, retry_after=601))
    assert "Try again in 11 minutes." in throwaway.test_client().get("/page/long").text


def test_a_page_shows_no_markup_from_the_address(client: FlaskClient) -> None:
    response = client.get("/<script>alert(1)</script>")
    assert response.status_code == 404
    assert "<script>alert" not in response.text


@pytest.mark.parametrize("path", ["/login", "/register", "/logout"])
def test_a_form_without_its_token_is_400_with_what_to_do(client: FlaskClient, path: str) -> None:
    response = client.post(path, data={"email": "a@example.org", "password": SECRET})
    assert response.status_code == 400
    assert response.content_type == "text/html; charset=utf-8"
    assert "out of date" in response.text
    assert response.headers["X-Request-Id"] in response.text


def test_a_form_too_large_is_413_as_a_page(client: FlaskClient) -> None:
    response = client.post("/login", data={"email": "x" * 1_000_000})
    assert response.status_code == 413
    assert "<h1>" in response.text


def test_a_redirect_is_no_error(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/api/folder/", "folder", lambda: "")
    response = app.test_client().get("/api/folder")
    assert response.status_code == 308
    assert response.headers["Location"].endswith("/api/folder/")


def test_every_status_can_be_said_in_every_voice(make_app: MakeApp) -> None:
    app = make_app()
    codes = [400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424]
    codes += [428, 429, 431, 451, 500, 501, 502, 503, 504, 505]

    def fail(code: int) -> None:
        error = HTTPException("Words.")
        error.code = code
        raise error

    for voice in ("api", "oauth", "page"):
        app.add_url_rule(f"/{voice}/status/<int:code>", f"{voice}_status", fail)
    client = app.test_client()
    for voice in ("api", "oauth", "page"):
        for code in codes:
            response = client.get(f"/{voice}/status/{code}")
            assert response.status_code == code
            assert "Words." in response.text
