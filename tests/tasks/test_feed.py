"""The calendar feed: made, shown once, read by whoever has its address, replaced, revoked."""

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import text

from app.extensions import db
from tests.conftest import Count, MakeApp
from tests.in_turn import in_turn
from tests.people import Person
from tests.tasks.feeds import make, read
from tests.tasks.planting import plant

NOWHERE = "/feeds/" + "A" * 43 + ".ics"


def events(person: Person, path: str) -> list[Any]:
    """Return the events in a feed."""
    response = read(person, path)
    assert response.status_code == 200, response.text
    assert response.content_type == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(response.data).events)


def test_an_address_is_shown_once_and_only_its_digest_is_kept(app: Flask, alice: Person) -> None:
    assert alice.get("/feed").get_json() == {"active": False, "created_at": None}
    path = make(alice)
    secret = path.removeprefix("/feeds/").removesuffix(".ics")
    assert len(secret) == 43  # 256 random bits
    shown = alice.get("/feed").get_json()
    assert shown.keys() == {"active", "created_at"}
    assert shown["active"] is True
    with app.app_context(), db.read() as connection:
        [row] = connection.execute(text("SELECT * FROM calendar_feeds")).all()
    assert hashlib.sha256(secret.encode()).hexdigest() in row
    assert secret not in str(row)


@pytest.mark.proves("CVE-2026-35598")
def test_open_tasks_with_a_due_date_are_events_and_nothing_else_is(alice: Person, bob: Person) -> None:
    task = alice.make_task(title="Pay rent", due_date="2026-12-01", notes="n", tags=["home"], priority="low")
    alice.make_task(title="undated")
    alice.make_task(title="done", due_date="2026-12-01", completed=True)
    gone = alice.make_task(title="gone", due_date="2026-12-01")
    alice.delete(f"/tasks/{gone['id']}")
    bob.make_task(title="Bob's", due_date="2026-12-01")
    [event] = events(alice, make(alice))
    assert (event["UID"], str(event["SUMMARY"]), str(event["DESCRIPTION"])) == (task["id"], "Pay rent", "n")
    assert (event["PRIORITY"], event["CATEGORIES"].cats, event["TRANSP"]) == (9, ["home"], "TRANSPARENT")
    assert event["URL"] == f"{alice.app.config['PUBLIC_URL']}/tasks/{task['id']}"


def test_without_a_time_a_task_is_on_its_day_wherever_one_is(alice: Person) -> None:
    alice.patch("", {"timezone": "Pacific/Kiritimati"})
    alice.make_task(due_date="2026-12-01")
    [event] = events(alice, make(alice))
    assert event["DTSTART"].dt == date(2026, 12, 1)
    assert "DTEND" not in event


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        ("2026-12-01", "09:05", datetime(2026, 12, 1, 8, 5, tzinfo=UTC)),
        ("2026-07-01", "09:05", datetime(2026, 7, 1, 7, 5, tzinfo=UTC)),
        ("2026-03-29", "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # no clock shows it
        ("2026-10-25", "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # clocks show it twice: the first
        ("9998-12-31", "23:59", datetime(9998, 12, 31, 22, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_instant_at_which_the_persons_clock_shows_it(
    alice: Person, day: str, at: str, instant: datetime
) -> None:
    alice.patch("", {"timezone": "Europe/Berlin"})
    alice.make_task(due_date=day, due_time=at)
    [event] = events(alice, make(alice))
    assert event["DTSTART"].dt == instant


def test_a_feed_has_all_tasks_however_many(app: Flask, alice: Person) -> None:
    plant(app, alice.id, 500)
    assert len(events(alice, make(alice))) == 450


def test_a_new_address_ends_the_one_before_and_revoking_ends_it_for_good(alice: Person) -> None:
    first = make(alice)
    second = make(alice)
    assert first != second
    assert [read(alice, each).status_code for each in (first, second)] == [404, 200]
    assert alice.delete("/feed").status_code == 204
    assert read(alice, second).status_code == 404
    assert alice.get("/feed").get_json()["active"] is False
    assert alice.delete("/feed").status_code == 204
    made = [each["description"] for each in alice.get("/events").get_json()["items"]]
    words = ["Calendar address revoked", "Calendar address made", "Calendar address made"]
    assert made[:3] == [f"{each} from Werkzeug" for each in words]


@pytest.mark.proves("CVE-2026-33668")
def test_the_feed_of_a_disabled_account_is_gone_while_it_is_disabled(app: Flask, alice: Person) -> None:
    path = make(alice)
    for verb, status in (("disable", 404), ("enable", 200)):
        assert app.test_cli_runner().invoke(args=["users", verb, alice.email]).exit_code == 0
        assert read(alice, path).status_code == status


def test_the_feed_goes_with_the_account(alice: Person, count: Count) -> None:
    path = make(alice)
    assert alice.delete("", {"password": "correct horse battery staple"}).status_code == 204
    assert read(alice, path).status_code == 404
    assert count("calendar_feeds") == 0


def test_an_address_that_never_was_is_one_question_and_404(alice: Person, statements: list[str]) -> None:
    paths = [NOWHERE, "/feeds/x.ics", "/feeds/%00.ics", f"/feeds/{'x' * 5000}.ics", "/feeds/%F0%9F%98%80.ics"]
    answers = []
    for path in paths:
        statements.clear()
        response = read(alice, path)
        assert response.status_code == 404, path
        assert len(statements) == 1, path
        answers.append(
            {key: value for key, value in response.get_json().items() if key not in ("instance", "request_id")}
        )
    assert all(each == answers[0] for each in answers)


def test_a_feed_that_did_not_change_is_304_and_costs_one_statement(alice: Person, statements: list[str]) -> None:
    alice.make_task(due_date="2026-12-01")
    path = make(alice)
    tag = read(alice, path).headers["ETag"]
    statements.clear()
    same = read(alice, path, If_None_Match=tag)
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    assert len(statements) == 1
    alice.make_task(due_date="2026-12-02")
    changed = read(alice, path, If_None_Match=tag)
    assert changed.status_code == 200
    alice.patch("", {"timezone": "Europe/Berlin"})
    assert read(alice, path, If_None_Match=changed.headers["ETag"]).status_code == 200


@in_turn("header", ["", '"', "W/", '"\xff"', "*, x", '"a",' * 1000])
def test_an_odd_condition_is_no_fault(alice: Person, header: str) -> None:
    assert read(alice, make(alice), If_None_Match=header).status_code in (200, 304)


def test_the_address_is_kept_out_of_caches_and_referrers(alice: Person) -> None:
    headers = read(alice, make(alice)).headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in headers


def test_the_log_names_the_route_and_never_the_address(
    app: Flask, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(alice)
    read(alice, path)
    read(alice, NOWHERE)
    log = capsys.readouterr().err
    assert '"route":"/feeds/<secret>.ics"' in log
    assert path[7:-4] not in log
    assert "AAAA" not in log


def test_a_fault_is_logged_without_the_address(
    make_app: MakeApp, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(alice)
    app = make_app()
    app.testing = False
    with app.app_context():
        db.session.execute(text("UPDATE users SET timezone = 'Out/Of_Order'"))
        db.session.commit()
    assert app.test_client().get(path).status_code == 500
    log = capsys.readouterr().err
    assert "Out/Of_Order" in log
    assert path[7:-4] not in log


def test_reading_feeds_is_limited_for_each_network(make_app: MakeApp, alice: Person) -> None:
    client = make_app(RATE_LIMIT="20").test_client()
    assert [client.get(NOWHERE).status_code for _ in range(22)] == [404] * 20 + [429] * 2


def test_an_address_is_made_only_with_the_right_to_tasks_and_account(alice: Person) -> None:
    for scope, missing in (("tasks:read tasks:write", "account"), ("tasks:write account", "tasks:read")):
        lesser = alice.another_sign_in()
        form = {"grant_type": "refresh_token", "refresh_token": lesser.refresh_token, "scope": scope}
        lesser.access_token = lesser.client.post("/oauth/token", data=form).get_json()["access_token"]
        response = lesser.post("/feed")
        assert response.status_code == 403
        assert f'scope="{missing}"' in response.headers["WWW-Authenticate"]
    assert alice.get("/feed").get_json()["active"] is False
