"""Pages of sign-in and account on the wire: cookies, redirects, form tokens."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.auth.browser import post
from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.people import PASSWORD, Person

ACCESS, REFRESH = "taskward_access", "taskward_refresh"


def sign_in(client: FlaskClient, person: Person, password: str = PASSWORD, **form: str) -> TestResponse:
    return post(client, "/login", email=person.email, password=password, **form)


def value(client: FlaskClient, name: str) -> str:
    cookie = client.get_cookie(name)
    assert cookie, name
    return cookie.value


def test_signing_in_sets_two_cookies_that_scripts_cannot_read(client: FlaskClient, alice: Person) -> None:
    response = sign_in(client, alice)
    assert (response.status_code, response.headers["Location"]) == (303, "/tasks")
    for name in (ACCESS, REFRESH):
        cookie = client.get_cookie(name)
        assert cookie
        assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "Lax", "/", False)
    assert client.get("/tasks").status_code == 200


def test_over_https_cookies_are_secure_and_bound_to_the_host(make_app: MakeApp, alice: Person) -> None:
    client = make_app(PUBLIC_URL="https://tasks.example.org").test_client()
    page = client.get("/login", base_url="https://tasks.example.org")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "email": alice.email, "password": PASSWORD}
    headers = {"Referer": "https://tasks.example.org/login"}
    response = client.post("/login", data=form, base_url="https://tasks.example.org", headers=headers)
    assert response.status_code == 303
    cookies = response.headers.getlist("Set-Cookie")
    assert sum(cookie.startswith("__Host-taskward_") for cookie in cookies) >= 2
    assert all("Secure" in cookie and "Domain" not in cookie and "Path=/" in cookie for cookie in cookies)
    assert "max-age=" in response.headers["Strict-Transport-Security"]


@ONE_DATABASE
@pytest.mark.parametrize(
    ("wanted", "landing"),
    [
        ("/account", "/account"),
        ("/tasks?status=trash&tag=a%20b", "/tasks?status=trash&tag=a%20b"),
        ("", "/tasks"),
        ("https://evil.example/", "/tasks"),
        ("//evil.example/", "/tasks"),
        ("/\\evil.example/", "/tasks"),
        ("\\\\evil.example", "/tasks"),
        ("///evil.example", "/tasks"),
        ("/\t/evil.example", "/tasks"),
        ("/\r\nSet-Cookie: x=y", "/tasks"),
        ("javascript:alert(1)", "/tasks"),
        ("tasks", "/tasks"),
        ("http:/evil.example", "/tasks"),
    ],
)
def test_after_signing_in_one_lands_where_one_wanted_on_this_site_only(
    client: FlaskClient, alice: Person, wanted: str, landing: str
) -> None:
    response = sign_in(client, alice, next=wanted)
    assert response.status_code == 303
    assert response.headers["Location"] == landing


def test_the_wanted_page_survives_a_wrong_password(client: FlaskClient, alice: Person) -> None:
    response = sign_in(client, alice, "wrong password", next="/account")
    assert response.status_code == 422
    assert 'value="/account"' in response.text
    assert f'value="{alice.email}"' in response.text
    assert PASSWORD not in response.text
    assert "wrong password" not in response.text


def test_an_expired_access_cookie_is_renewed_silently(client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    before = value(client, REFRESH)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20)):
        response = client.get("/account")
        assert response.status_code == 200
        assert value(client, REFRESH) != before
        assert client.get("/account").status_code == 200


def test_two_tabs_that_renew_at_once_both_stay_signed_in(app: Flask, client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    other = app.test_client()
    other.set_cookie(REFRESH, value(client, REFRESH))
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20)):
        assert client.get("/tasks").status_code == 200
        assert other.get("/tasks").status_code == 200
        assert value(client, REFRESH) == value(other, REFRESH)


def test_an_old_refresh_cookie_ends_the_sign_in(app: Flask, client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    thief = app.test_client()
    thief.set_cookie(REFRESH, value(client, REFRESH))
    start = datetime.now(UTC)
    with time_machine.travel(start + timedelta(minutes=20)):
        assert client.get("/tasks").status_code == 200
    with time_machine.travel(start + timedelta(minutes=22)):
        assert thief.get("/tasks").headers["Location"].startswith("/login")
        assert client.get("/tasks").headers["Location"].startswith("/login")


def test_a_bearer_token_opens_no_page(client: FlaskClient, alice: Person) -> None:
    response = client.get("/tasks", headers=alice.bearer())
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=/tasks")


def test_signing_out_ends_the_sign_in_and_clears_the_browser(client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    access, refresh = value(client, ACCESS), value(client, REFRESH)
    response = post(client, "/logout", page="/tasks")
    assert response.status_code == 303
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get_cookie(ACCESS) is None
    assert client.get_cookie(REFRESH) is None
    client.set_cookie(ACCESS, access)
    client.set_cookie(REFRESH, refresh)
    assert client.get("/tasks").headers["Location"].startswith("/login")


def test_signing_out_is_never_a_get(client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    assert client.get("/logout").status_code == 405
    assert client.get("/tasks").status_code == 200


def test_signing_in_again_ends_the_sign_in_before(client: FlaskClient, alice: Person, count: Count) -> None:
    sign_in(client, alice)
    old = value(client, ACCESS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/tasks").text)
    assert token
    form = {"csrf_token": token[1], "email": alice.email, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303
    assert value(client, ACCESS) != old
    assert count("sign_ins WHERE kind = 'web' AND revoked_at IS NULL") == 1


def test_a_form_token_from_before_signing_in_is_worth_nothing_after(client: FlaskClient, alice: Person) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert token
    sign_in(client, alice)
    response = client.post("/tasks", data={"csrf_token": token[1], "title": "planted"})
    assert response.status_code == 400
    assert "out of date" in response.text
    assert alice.get("/tasks").get_json()["items"] == []


def test_ending_ones_own_device_signs_out(client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    ids = {each["kind"]: each["id"] for each in alice.get("/sessions").get_json()["items"]}
    response = post(client, f"/account/sessions/{ids['api']}/end", page="/account")
    assert response.headers["Location"] == "/account"
    assert alice.get("/api/me").status_code == 401
    response = post(client, f"/account/sessions/{ids['web']}/end", page="/account")
    assert response.headers["Location"] == "/login?notice=signed-out"
    assert client.get("/account").status_code == 303


def test_deleting_an_account_needs_password_and_confirmation(client: FlaskClient, alice: Person, count: Count) -> None:
    sign_in(client, alice)
    assert post(client, "/account/delete", page="/account", password=PASSWORD).status_code == 422
    assert post(client, "/account/delete", page="/account", password="no", confirm="y").status_code == 422
    assert count("users") == 1
    response = post(client, "/account/delete", page="/account", password=PASSWORD, confirm="y")
    assert response.headers["Location"] == "/login?notice=account-deleted"
    assert count("users") == 0


def test_signed_in_people_are_not_asked_to_sign_in(client: FlaskClient, alice: Person) -> None:
    assert client.get("/").headers["Location"] == "/login"
    sign_in(client, alice)
    assert client.get("/").headers["Location"] == "/tasks"
    assert client.get("/login?next=/account").headers["Location"] == "/account"
    assert client.get("/register").headers["Location"] == "/tasks"


def test_pages_keep_no_copy_and_no_inline_code(client: FlaskClient, alice: Person) -> None:
    sign_in(client, alice)
    task = alice.make_task(title="<script>alert(1)</script>", notes="</textarea><img src=x onerror=alert(1)>")
    for path in ("/tasks", f"/tasks/{task['id']}", "/account", "/nothing", "/tasks?q=<script>", "/login?next=<script>"):
        response = client.get(path, follow_redirects=True)
        assert response.headers["Cache-Control"] == "no-store", path
        inline = InlineCode()
        inline.feed(response.text)
        assert inline.found == [], path


class InlineCode(HTMLParser):
    """Collects what the content security policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        self.found += [text for text in names.values() if text and text.strip().lower().startswith("javascript:")]


def test_the_check_for_inline_code_finds_it() -> None:
    inline = InlineCode()
    inline.feed("<style></style><script>x</script><p style='a' onclick='b'><a href=' JavaScript:x'>")
    assert inline.found == ["style", "script", "style", "onclick", " JavaScript:x"]
