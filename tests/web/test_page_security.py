"""What the browser is told and trusted with: cookies, headers, password fields, and forms that other sites send."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import ONE_DATABASE, MakeApp
from tests.in_turn import in_turn
from tests.pages import SIGNED_IN_PAGES, Browser, sign_in
from tests.people import PASSWORD, Person

HTTPS = "https://tasks.example.org"
SIGNED_OUT_PAGES = ("/login", "/register")


@pytest.fixture
def https(make_app: MakeApp, alice: Person) -> Flask:
    """The same installation, known to people under an https address."""
    return make_app(PUBLIC_URL=HTTPS)


@pytest.mark.proves("B7", "ASVS 3.3.1", "ASVS 3.3.2", "ASVS 3.3.3", "ASVS 3.3.4")
def test_over_https_every_cookie_is_secure_httponly_lax_and_bound_to_the_host(https: Flask, alice: Person) -> None:
    browser = Browser(https)
    shown, answer = browser.get("/login"), sign_in(browser, alice)
    cookies = shown.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
    assert len({cookie.partition("=")[0] for cookie in cookies}) == 4
    for cookie in cookies:
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert not any(each.startswith("Domain") for each in attributes)


@pytest.mark.proves("ASVS 3.3.4", "ASVS 10.1.1")
@pytest.mark.parametrize("page", SIGNED_IN_PAGES)
def test_no_page_shows_a_token(app: Flask, alice: Person, page: str) -> None:
    browser = Browser(app, alice)
    text = browser.get(page).text
    for setting in ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME"):
        token = browser.cookie(setting)
        assert token
        assert token not in text
        assert token.split(".")[2] not in text


@ONE_DATABASE
@pytest.mark.proves("ASVS 3.4.3", "ASVS 3.4.4", "ASVS 3.4.5", "ASVS 3.4.6", "ASVS 3.4.8")
@in_turn("path", [*SIGNED_OUT_PAGES, "/tasks", "/nowhere", "/api/me", "/oauth/token", "/static/app.css"])
def test_every_answer_tells_the_browser_what_not_to_do(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = dict(rule.partition(" ")[::2] for rule in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    if headers["Content-Type"].startswith("text/html"):
        assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@ONE_DATABASE
@pytest.mark.proves("ASVS 3.4.1")
def test_over_https_browsers_are_told_to_stay_there_for_a_year(https: Flask, client: FlaskClient) -> None:
    header = "Strict-Transport-Security"
    for path in ("/login", "/api/me", "/nowhere"):
        assert https.test_client().get(path, base_url=HTTPS).headers[header] == "max-age=31536000; includeSubDomains"
        assert header not in client.get(path).headers


@ONE_DATABASE
@pytest.mark.proves("S6", "ASVS 3.4.2")
@in_turn("path", ["/login", "/api/me", "/api/auth/login", "/oauth/token", "/oauth/revoke"])
def test_no_other_origin_is_let_in(client: FlaskClient, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "POST", "OPTIONS"):
        answer = client.open(path, method=method, headers=headers)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


@ONE_DATABASE
@pytest.mark.proves("ASVS 3.5.2")
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_browser_sends_without_asking_first_is_no_json_request(
    client: FlaskClient, alice: Person, content_type: str
) -> None:
    body = f'{{"email": "{alice.email}", "password": "{PASSWORD}"}}'
    assert client.post("/api/auth/login", data=body, content_type=content_type).status_code == 415


@pytest.mark.proves("ASVS 3.5.3", "ASVS 7.6.2")
def test_reading_changes_nothing_and_starts_no_session(app: Flask, alice: Person, statements: list[str]) -> None:
    browser, stranger = Browser(app, alice), Browser(app)
    task = alice.make_task()
    statements.clear()
    values = {"user_id": alice.id, "task_id": task["id"], "sid": task["id"], "filename": "app.css", "secret": "x"}
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()):
            with app.test_request_context():
                path = app.url_map.bind("").build(rule.endpoint, {name: values[name] for name in rule.arguments})
            for answer in (browser.get(path), stranger.get(path), alice.get(path) if path[:4] == "/api" else None):
                assert answer is None or answer.status_code < 500, path
    assert statements
    writes = [each for each in statements if each.startswith(("INSERT", "UPDATE", "DELETE"))]
    # That everything was exported goes into the event log.
    assert all(each.startswith("INSERT INTO security_events") for each in writes)


@ONE_DATABASE
@pytest.mark.proves("ASVS 14.3.2")
@in_turn("path", ["/tasks", "/account", "/login", "/register"])
def test_no_page_is_kept_by_a_cache(app: Flask, alice: Person, path: str) -> None:
    for browser in (Browser(app, alice), Browser(app)):
        assert "no-store" in browser.get(path).headers["Cache-Control"]


@ONE_DATABASE
@pytest.mark.proves("ASVS 6.2.6", "ASVS 6.2.7")
@pytest.mark.parametrize(("page", "fields"), [("/login", 1), ("/register", 1), ("/account", 3)])
def test_password_fields_hide_what_is_typed_and_welcome_password_managers(
    app: Flask, alice: Person, page: str, fields: int
) -> None:
    text = Browser(app, alice if page == "/account" else None).get(page).text
    inputs = [tag for tag in text.split("<input")[1:] if "password" in tag.partition(">")[0].partition("name=")[2]]
    hidden = [tag.partition(">")[0] for tag in inputs if 'type="password"' in tag.partition(">")[0]]
    assert len(hidden) == fields
    for tag in hidden:
        assert 'autocomplete="current-password"' in tag or 'autocomplete="new-password"' in tag
    script = Browser(app).get("/static/app.js").text
    assert "paste" not in script


@ONE_DATABASE
@pytest.mark.proves("ASVS 3.5.1")
@in_turn(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://["},
        {"Origin": "https://tasks.example.org.evil.example"},
        {"Origin": "https://tasks.example.org:444"},
        {"Referer": "https://["},
        {"Referer": "https://host:abc/"},
        {"Referer": "https://tasks.example.org:99999999/"},
        {"Referer": "https://℀.com/".encode().decode("latin-1")},
        {"Referer": "https://evil.example/"},
    ],
    ids=repr,
)
def test_a_form_that_another_site_sends_is_refused_token_or_not(
    https: Flask, alice: Person, headers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    https.testing = False
    browser = Browser(https, alice)
    token = browser.get("/account").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "name": "Mallory", "timezone": "UTC"}
    headers = {"Referer": f"{HTTPS}/account"} | headers
    answer = browser.client.post("/account/profile", data=form, base_url=HTTPS, headers=headers)
    assert answer.status_code == 400
    assert "Go back, reload the page and send it again." in answer.text
    assert '"malicious_csrf"' in capsys.readouterr().err
    assert alice.get().get_json()["name"] == "Alice"


@ONE_DATABASE
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": HTTPS},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://TASKS.example.org"},
        {},
    ],
    ids=repr,
)
def test_a_form_of_our_own_is_taken(https: Flask, alice: Person, headers: dict[str, str]) -> None:
    browser = Browser(https, alice)
    token = browser.get("/account").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "name": "Alice B.", "timezone": "UTC"}
    headers = {"Referer": f"{HTTPS}/account"} | headers
    assert browser.client.post("/account/profile", data=form, base_url=HTTPS, headers=headers).status_code == 303


@ONE_DATABASE
def test_programs_may_come_from_anywhere(client: FlaskClient, alice: Person) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://["}
    assert client.patch(alice.url(), json={"name": "A."}, headers=alice.bearer() | headers).status_code == 200
    assert client.post("/oauth/revoke", data={"token": "x"}, headers=headers).status_code != 400
