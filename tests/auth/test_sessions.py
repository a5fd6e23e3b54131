"""JSON: signing out, devices, passwords, profile, deletion: what each ends, and that it ends at once."""

import html
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.services import audit
from tests.conftest import ONE_DATABASE, Count
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import PASSWORD, Person

NEW = "an entirely new passphrase"


def works(person: Person) -> bool:
    return person.get("/api/me").status_code == 200


def login(app: Flask, person: Person, password: str) -> int:
    body = {"email": person.email, "password": password}
    return app.test_client().post("/api/auth/login", json=body).status_code


@pytest.mark.proves("ASVS 7.4.1")
def test_signing_out_ends_this_sign_in_at_once_and_no_other(app: Flask, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    assert alice.post("/api/auth/logout").status_code == 204
    response = alice.get("/api/me")
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    refresh = app.test_client().post("/api/auth/refresh", json={"refresh_token": alice.refresh_token})
    assert refresh.status_code == 401
    assert works(elsewhere)


def test_signing_out_twice_is_401(alice: Person) -> None:
    assert alice.post("/api/auth/logout").status_code == 204
    assert alice.post("/api/auth/logout").status_code == 401


@pytest.mark.proves("ASVS 7.5.2")
def test_devices_are_listed_with_the_present_one_marked(alice: Person, bob: Person) -> None:
    alice.another_sign_in()
    items = alice.get("/sessions").get_json()["items"]
    assert len(items) == 2
    assert sorted(each["current"] for each in items) == [False, True]
    assert {each["kind"] for each in items} == {"api"}
    assert all(each["created_at"].endswith("Z") for each in items)


def test_a_device_is_described_in_plain_words(app: Flask, alice: Person) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
    body = {"email": alice.email, "password": PASSWORD}
    app.test_client().post("/api/auth/login", json=body, headers={"User-Agent": agent})
    assert "Firefox on Linux" in [each["label"] for each in alice.get("/sessions").get_json()["items"]]


@pytest.mark.proves("ASVS 7.5.2", "ASVS 10.4.9")
def test_one_device_can_be_ended_from_another(alice: Person) -> None:
    lost, third = alice.another_sign_in(), alice.another_sign_in()
    sid = next(each["id"] for each in lost.get("/sessions").get_json()["items"] if each["current"])
    assert alice.delete(f"/sessions/{sid}").status_code == 204
    assert not works(lost)
    assert works(third)
    assert works(alice)
    assert alice.delete(f"/sessions/{sid}").status_code == 404


@pytest.mark.proves("ASVS 7.5.2", "ASVS 7.4.3")
def test_all_other_devices_can_be_ended(alice: Person, bob: Person) -> None:
    others = [alice.another_sign_in() for _ in range(3)]
    assert alice.delete("/sessions").status_code == 204
    assert not any(works(each) for each in others)
    assert works(alice)
    assert works(bob)


@pytest.mark.proves("CVE-2026-33678", "ASVS 8.2.2")
def test_somebody_elses_device_under_ones_own_id_does_not_exist(alice: Person, bob: Person) -> None:
    sid = bob.get("/sessions").get_json()["items"][0]["id"]
    assert alice.delete(f"/sessions/{sid}").status_code == 404
    assert works(bob)


def test_being_seen_is_noted_at_most_once_a_minute(alice: Person, statements: list[str]) -> None:
    now = datetime.now(UTC)
    before = alice.get("/sessions").get_json()["items"][0]["last_seen_at"]
    with time_machine.travel(now + timedelta(seconds=50)):
        assert alice.get("/sessions").get_json()["items"][0]["last_seen_at"] == before
    assert not [each for each in statements if each.startswith("UPDATE")]
    with time_machine.travel(now + timedelta(seconds=70)):
        assert alice.get("/sessions").get_json()["items"][0]["last_seen_at"] > before


@pytest.mark.proves("ASVS 9.2.1")
def test_an_access_token_ends_after_fifteen_minutes(alice: Person) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(minutes=14, seconds=55)):
        assert works(alice)
    with time_machine.travel(now + timedelta(minutes=15, seconds=10)):
        assert not works(alice)


@pytest.mark.proves("ASVS 6.2.2", "ASVS 7.4.3", "CVE-2026-27575")
def test_changing_the_password_ends_all_other_sign_ins(app: Flask, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert alice.put("/password", body).status_code == 204
    assert works(alice)
    assert not works(elsewhere)
    assert login(app, alice, PASSWORD) == 401
    assert login(app, alice, NEW) == 200


@pytest.mark.proves("ASVS 6.2.3")
def test_a_wrong_current_password_changes_nothing(app: Flask, alice: Person) -> None:
    elsewhere = alice.another_sign_in()
    response = alice.put("/password", {"current_password": "wrong", "new_password": NEW})
    assert response.status_code == 403
    assert response.get_json()["type"] == "urn:taskward:problem:wrong-password"
    assert works(elsewhere)
    assert login(app, alice, PASSWORD) == 200
    assert "authn_password_change_fail" in [each["event"] for each in alice.get("/events").get_json()["items"]]


@pytest.mark.parametrize("new", ["short", "x" * 257])
def test_a_bad_new_password_is_422_at_its_pointer(alice: Person, new: str) -> None:
    response = alice.put("/password", {"current_password": PASSWORD, "new_password": new})
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"] == "#/new_password"


def test_the_profile_can_be_read_and_changed(alice: Person) -> None:
    assert alice.get().get_json()["name"] == "Alice"
    response = alice.patch("", {"name": " Alice B. ", "timezone": "Europe/Berlin"})
    assert response.status_code == 200
    assert (response.get_json()["name"], response.get_json()["timezone"]) == ("Alice B.", "Europe/Berlin")
    assert alice.get("/api/me").get_json() == response.get_json()


@ONE_DATABASE
@pytest.mark.proves("ASVS 8.2.3", "GHSA-569v")
@in_turn(
    "changes",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "localtime"},  # the system's, which the next machine may not have
        {"timezone": "../../etc/passwd"},
        {"timezone": None},
        {"theme": "sepia"},
        {"theme": None},
        {"name": None},
        {"name": "x" * 101},
        {"name": "two\nlines"},
        {"email": "other@example.org"},
        {"id": "x"},
        {"rev": 99},
        {"disabled_at": None},
        {"password_hash": "x"},
    ],
    ids=str,
)
def test_what_may_not_be_changed_in_a_profile_is_422(alice: Person, changes: dict[str, object]) -> None:
    before = alice.get().get_json()
    response = alice.patch("", changes)
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"] == f"#/{next(iter(changes))}"
    assert alice.get().get_json() == before


@pytest.mark.proves("ASVS 7.4.2")
def test_deleting_an_account_removes_everything_in_it_and_nothing_else(
    app: Flask, alice: Person, bob: Person, count: Count
) -> None:
    alice.make_task(tags=["home", "garden"])
    bob.make_task(tags=["home"])
    alice.another_sign_in()
    assert alice.delete("", {"password": PASSWORD}).status_code == 204
    assert alice.get("/api/me").status_code == 401
    assert login(app, alice, PASSWORD) == 401
    assert (count("users"), count("sign_ins"), count("tasks"), count("task_tags")) == (1, 1, 1, 1)
    assert count(f"security_events WHERE user_id IS NOT NULL AND user_id <> '{_stored(app, bob)}'") == 0
    assert count("security_events WHERE event = 'user_deleted'") == 1
    assert works(bob)


def test_deleting_an_account_needs_the_password(alice: Person) -> None:
    assert alice.delete("", {"password": "wrong"}).status_code == 403
    assert alice.delete("").status_code == 415
    assert alice.delete("", {}).status_code == 422
    assert works(alice)


def test_the_address_of_a_deleted_account_is_free_again(app: Flask, alice: Person) -> None:
    alice.delete("", {"password": PASSWORD})
    body = {"email": alice.email, "password": NEW}
    assert app.test_client().post("/api/auth/register", json=body).status_code == 201


def test_events_are_listed_newest_first_a_page_at_a_time(app: Flask, alice: Person, bob: Person) -> None:
    for _ in range(4):
        login(app, alice, "wrong password")
    everything = alice.get("/events").get_json()["items"]
    assert [each["event"] for each in everything] == ["authn_login_fail"] * 4 + ["authn_login_success"]
    listed, link = [], alice.url("/events?limit=2")
    for size in (2, 2, 1):
        response = alice.get(link)
        items, cursor = response.get_json()["items"], response.get_json()["next_cursor"]
        assert len(items) == size
        listed += items
        assert (cursor is None) == ("Link" not in response.headers)
        link = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
        assert cursor is None or link == alice.url(f"/events?limit=2&cursor={cursor}")
    assert listed == everything


def test_what_a_stranger_does_cannot_push_an_event_out_of_the_account_page(app: Flask, alice: Person) -> None:
    alice.put("/password", {"current_password": PASSWORD, "new_password": NEW})
    with app.app_context():
        for _ in range(45):
            audit.record(audit.Event.LOGIN_FAIL, UUID(alice.id))
    browser, path, seen = Browser(app, alice), "/account", ""
    for _ in range(3):
        page = browser.get(path)
        assert page.status_code == 200
        seen += page.text
        older = re.search(r'href="([^"]*)">Older activity', page.text)
        path = html.unescape(older[1]) if older else ""
    assert path == ""
    assert "Password changed" in seen
    assert "Newest activity" in page.text
    assert browser.get("/account?cursor=x").headers["Location"] == "/account"


@in_turn("query", ["limit=0", "limit=201", "limit=x", "cursor=x", "user_id=1", "limit=1&limit=2"])
def test_bad_parameters_of_the_event_list_are_422(alice: Person, query: str) -> None:
    assert alice.get(f"/events?{query}").status_code == 422


def _stored(app: Flask, person: Person) -> str:
    sqlite = app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    return person.id.replace("-", "") if sqlite else person.id
