"""Whatever is sent to whatever takes credentials, the answer is never a 5xx."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import STRICT_DATABASE
from tests.pages import Browser
from tests.people import Person

FIELDS = ["email", "password", "name", "refresh_token", "current_password", "new_password", "timezone", "grant_type"]
FIELDS += [
    "username",
    "client_id",
    "client_secret",
    "scope",
    "token",
    "token_type_hint",
    "csrf_token",
    "next",
    "confirm",
]
#: What a test client, like a server, can take for a header at all.
LINES = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=60)
TEXT = st.text(max_size=40) | st.sampled_from(["", "\0", "alice@example.org", "refresh_token", "password", "a.b.c"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(FIELDS) | st.text(max_size=8)
HEADERS = ["Authorization", "Cookie", "Content-Type", "Accept", "User-Agent", "X-Request-Id", "X-Forwarded-For"]
HEADERS += ["X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Origin", "Referer", "Sec-Fetch-Site", "If-Match"]
HEADERS += ["If-None-Match", "Range", "X-CSRFToken", "Accept-Language"]
BOUNDS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def taking_credentials(app: Flask) -> list[tuple[str, str]]:
    """Return method and path of whatever changes something in accounts, sign-ins or tokens."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in ("auth_api", "oauth", "users_api", "auth", "account"):
            path = rule.rule.replace("<uuid:sid>", "00000000-0000-7000-8000-000000000000")
            found += [(method, path) for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"})]
    assert len(found) > 12
    return sorted(found)


@pytest.mark.proves("RFC 8259 §9")
@BOUNDS
@given(body=st.dictionaries(NAMES, JSON, max_size=5) | JSON | st.binary(max_size=60), data=st.data())
def test_no_json_body_is_a_fault_of_ours(app: Flask, alice: Person, body: Any, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(taking_credentials(app)))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    # A sign-in of its own: some bodies are good, and end it.
    headers = alice.another_sign_in().bearer() | {"Content-Type": "application/json"}
    url = path.replace("<uuid:user_id>", alice.id)
    assert app.test_client().open(url, method=method, data=raw, headers=headers).status_code < 500


@STRICT_DATABASE
@pytest.mark.proves("RFC 6749 §3.2")
@BOUNDS
@given(form=st.lists(st.tuples(NAMES, TEXT), max_size=6), raw=st.binary(max_size=80) | st.none(), data=st.data())
def test_no_form_is_a_fault_of_ours(
    app: Flask, alice: Person, form: list[tuple[str, str]], raw: bytes | None, data: st.DataObject
) -> None:
    method, path = data.draw(st.sampled_from([each for each in taking_credentials(app) if "/api" not in each[1]]))
    content_type = data.draw(st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]))
    fields: dict[str, list[str]] = {}
    for name, value in form:
        fields.setdefault(name.encode(errors="replace").decode(), []).append(value.encode(errors="replace").decode())
    browser = Browser(app, alice)
    arguments: dict[str, Any] = {"data": fields} if raw is None else {"data": raw, "content_type": content_type}
    assert browser.client.open(path, method=method, base_url=browser.origin, **arguments).status_code < 500
    signed = browser.get("/account").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    if signed and raw is None and "/oauth" not in path and "delete" not in path:
        assert browser.send(path, fields | {"csrf_token": [signed]}).status_code < 500


@STRICT_DATABASE
@pytest.mark.proves("RFC 9110 §5.5")
@BOUNDS
@given(headers=st.dictionaries(st.sampled_from(HEADERS), LINES, max_size=4), data=st.data())
def test_no_header_is_a_fault_of_ours(app: Flask, alice: Person, headers: dict[str, str], data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from([*taking_credentials(app), ("GET", "/account"), ("GET", "/api/me")]))
    url = path.replace("<uuid:user_id>", alice.id)
    assert app.test_client(use_cookies=False).open(url, method=method, headers=headers).status_code < 500


@STRICT_DATABASE
@pytest.mark.proves("RFC 6265 §5.4")
@BOUNDS
@given(access=LINES, refresh=LINES, form=LINES)
def test_no_cookie_is_a_fault_of_ours(app: Flask, access: str, refresh: str, form: str) -> None:
    names = [app.config[name] for name in ("ACCESS_COOKIE_NAME", "REFRESH_COOKIE_NAME", "SESSION_COOKIE_NAME")]
    header = "; ".join(f"{name}={value}" for name, value in zip(names, (access, refresh, form), strict=True))
    for path in ("/", "/login", "/tasks", "/account"):
        answer = app.test_client(use_cookies=False).get(path, headers={"Cookie": header})
        assert answer.status_code < 500
