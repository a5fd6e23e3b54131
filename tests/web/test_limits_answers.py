"""What is said about the limit on requests: in headers, in refusals of each voice, and in the event log."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from tests.conftest import MakeApp
from tests.people import PASSWORD, Person
from tests.web.limited import BODY, over, standing_clock, statuses


def recorded(app: Flask) -> list[str]:
    with app.app_context(), db.read() as connection:
        query = "SELECT user_id FROM security_events WHERE event = 'excess_rate_limit_exceeded' ORDER BY id"
        return [str(each).replace("-", "") for each in connection.execute(text(query)).scalars()]


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
