"""Holes that similar projects have had, one test each where it applies; docs/requirements.toml lists the rest."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from app.services import passwords
from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.in_turn import in_turn
from tests.pages import Browser
from tests.people import PASSWORD, Person, signed_in

MARKUP = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"
NEW = "tangerine umbrella quietly 47 orbit"


def run(app: Flask, *words: str, stdin: str = "") -> int:
    return app.test_cli_runner().invoke(args=list(words), input=stdin).exit_code


@pytest.mark.proves("CVE-2026-33678", "CVE-2026-35598", "ASVS 8.2.2", "ASVS 8.4.1")
@pytest.mark.parametrize("action", ["", "/complete", "/reopen", "/delete", "/restore"])
def test_a_page_reaches_no_task_of_another_person_by_its_id(
    app: Flask, alice: Person, bob: Person, action: str
) -> None:
    task = alice.make_task(title="Private")
    browser = Browser(app, bob)
    assert browser.get(f"/tasks/{task['id']}").status_code == 404
    answer = browser.post(f"/tasks/{task['id']}{action}", "/account", title="stolen")
    assert answer.status_code == 404
    assert "Private" not in answer.text
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


@pytest.mark.proves("CVE-2026-33678")
def test_a_page_ends_no_session_of_another_person_by_its_id(app: Flask, alice: Person, bob: Person) -> None:
    sid = alice.get("/sessions").get_json()["items"][0]["id"]
    assert Browser(app, bob).post(f"/account/sessions/{sid}/end", "/account").status_code == 404
    assert alice.get("/api/me").status_code == 200


@pytest.mark.proves("CVE-2026-35598")
def test_no_list_search_or_page_shows_a_task_of_another_person(app: Flask, alice: Person, bob: Person) -> None:
    alice.make_task(title="Atlantis voyage", notes="Atlantis", tags=["atlantis"])
    browser = Browser(app, bob)
    for query in ("", "?status=completed", "?status=trash", "?q=Atlantis", "?tag=atlantis", "?q=%25", "?q=_"):
        assert bob.get(f"/tasks{query}").get_json()["items"] == []
        assert "voyage" not in browser.get(f"/tasks{query}").text


@pytest.mark.proves("CVE-2026-35596")
def test_tags_of_another_person_are_neither_shown_nor_mixed_with_ones_own(
    app: Flask, alice: Person, bob: Person
) -> None:
    alice.make_task(tags=["atlantis", "shared"])
    own = bob.make_task(title="Mine", tags=["shared"])
    assert [task["id"] for task in bob.get("/tasks?tag=shared").get_json()["items"]] == [own["id"]]
    assert "atlantis" not in Browser(app, bob).get("/tasks").text


@pytest.mark.proves("CVE-2026-33668", "ASVS 7.4.2")
def test_a_disabled_account_is_refused_by_every_credential_it_ever_had(make_app: MakeApp, alice: Person) -> None:
    app = make_app(OAUTH_PASSWORD_GRANT="1")
    browser, api = Browser(app, alice), app.test_client(use_cookies=False)
    assert browser.get("/tasks").status_code == 200
    assert run(app, "users", "disable", alice.email) == 0
    login = {"email": alice.email, "password": PASSWORD}
    grant = {"grant_type": "password", "username": alice.email, "password": PASSWORD}
    assert alice.get("/tasks").status_code == 401
    assert api.post("/api/auth/login", json=login).status_code == 401
    assert api.post("/api/auth/refresh", json={"refresh_token": alice.refresh_token}).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": alice.refresh_token}
    assert api.post("/oauth/token", data=refresh).status_code == 400
    assert api.post("/oauth/token", data=grant).status_code == 400
    assert browser.get("/tasks").headers["Location"].startswith("/login")
    assert Browser(app).post("/login", "/login", **login).status_code == 422


@pytest.mark.proves("CVE-2026-33316")
def test_a_password_reset_leaves_a_disabled_account_disabled(app: Flask, alice: Person) -> None:
    assert run(app, "users", "disable", alice.email) == 0
    assert run(app, "users", "reset-password", alice.email, stdin=f"{NEW}\n") == 0
    for password in (PASSWORD, NEW):
        login = {"email": alice.email, "password": password}
        assert app.test_client().post("/api/auth/login", json=login).status_code == 401


def by_owner(app: Flask, alice: Person) -> None:
    device = alice.another_sign_in()
    assert device.put("/password", {"current_password": PASSWORD, "new_password": NEW}).status_code == 204


def by_operator(app: Flask, alice: Person) -> None:
    assert run(app, "users", "reset-password", alice.email, stdin=f"{NEW}\n") == 0


@pytest.mark.proves("CVE-2026-27575")
@pytest.mark.parametrize("change", [by_owner, by_operator], ids=lambda way: way.__name__)
def test_no_session_of_any_kind_outlives_a_password_change_made_elsewhere(
    app: Flask, alice: Person, change: Callable[[Flask, Person], None]
) -> None:
    browser = Browser(app, alice)
    oauth = signed_in(app, alice.email, "oauth")
    change(app, alice)
    for person in (alice, oauth):
        assert person.get("/api/me").status_code == 401
        body = {"refresh_token": person.refresh_token}
        assert app.test_client().post("/api/auth/refresh", json=body).status_code == 401
    assert browser.get("/tasks").status_code == 303


@pytest.mark.proves("CVE-2026-33315")
@pytest.mark.parametrize("path", ["/api/me", "/tasks", "/account"])
def test_http_basic_with_the_right_password_opens_nothing(app: Flask, alice: Person, path: str) -> None:
    answer = app.test_client().get(path, auth=(alice.email, PASSWORD))
    assert answer.status_code in (401, 303)


@ONE_DATABASE
@pytest.mark.proves("vikunja#3349")
def test_an_unknown_address_costs_the_server_as_much_work_as_a_hash(make_app: MakeApp) -> None:
    app = make_app(ARGON2_TIME_COST="12")
    client = app.test_client()

    def work(email: str) -> float:
        # The processor time of this process, which does nothing else: waiting for others does not count.
        before = time.process_time()
        assert client.post("/api/auth/login", json={"email": email, "password": "wrong"}).status_code == 401
        return time.process_time() - before

    work("warm@example.org")
    unknown = min(work(f"nobody{n}@example.org") for n in range(3))
    with app.app_context():
        before = time.process_time()
        passwords.hash_password("wrong")
        one_hash = time.process_time() - before
    assert unknown > one_hash / 2


OWNERSHIP = ("user_id", "owner_id", "id", "rev", "created_at", "deleted_at", "completed_at", "due_sort", "position")


@pytest.mark.proves("GHSA-569v", "ASVS 8.2.3")
@pytest.mark.parametrize("field", OWNERSHIP)
def test_a_task_takes_no_owner_and_no_other_field_of_the_servers(
    alice: Person, bob: Person, count: Count, field: str
) -> None:
    task = alice.make_task()
    for answer in (
        alice.post("/tasks", {"title": "Gift", field: bob.id}),
        alice.patch(f"/tasks/{task['id']}", {field: bob.id}),
    ):
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == f"#/{field}"
    assert count("tasks") == 1
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


@pytest.mark.proves("GHSA-569v")
def test_a_form_cannot_give_a_task_away(app: Flask, alice: Person, bob: Person) -> None:
    answer = Browser(app, alice).post("/tasks", "/tasks", title="Mine", user_id=bob.id, id=str(UUID(int=7)), rev="99")
    assert answer.status_code == 303
    assert bob.get("/tasks").get_json()["items"] == []
    assert [task["title"] for task in alice.get("/tasks").get_json()["items"]] == ["Mine"]


@pytest.mark.proves("CVE-2026-27116")
@in_turn("parameter", ["q", "tag", "status", "cursor", "next", "notice", "back"])
def test_markup_in_a_parameter_comes_back_as_text(app: Flask, alice: Person, parameter: str) -> None:
    for browser, page in ((Browser(app, alice), "/tasks"), (Browser(app), "/login"), (Browser(app), "/register")):
        answer = browser.client.get(page, query_string={parameter: MARKUP}, base_url=browser.origin)
        assert "<img src=x" not in answer.text
        assert "<script>alert" not in answer.text


@pytest.mark.proves("CVE-2026-27116")
def test_markup_in_what_people_write_comes_back_as_text(app: Flask, alice: Person) -> None:
    task = alice.make_task(title=MARKUP, notes=MARKUP, tags=["<b>tag</b>"])
    assert alice.patch("", {"name": MARKUP}).status_code == 200
    browser = Browser(app, alice)
    agent = {"User-Agent": MARKUP}
    login = {"email": alice.email, "password": PASSWORD}
    app.test_client().post("/api/auth/login", json=login, headers=agent)
    browser.post(f"/tasks/{task['id']}/complete", "/tasks")
    for page in ("/tasks", "/tasks?status=completed", f"/tasks/{task['id']}", "/account"):
        shown = browser.get(page).text
        assert "&lt;img src=x" in shown
        for live in ("<img src=x", "<script>alert", "<b>tag"):
            assert live not in shown, page


@pytest.mark.proves("CVE-2026-35601", "ASVS 16.4.1")
@in_turn("control", ["\r", "\n", "\r\n", "\x00", "\x85", "\u2028", "\u2029", "\x1b"], ids=repr)
def test_no_field_of_one_line_takes_a_line_break_or_a_control_character(alice: Person, control: str) -> None:
    hostile = f"Milk{control}ATTENDEE:mailto:eve@evil.example"
    task = alice.make_task()
    for answer in (
        alice.post("/tasks", {"title": hostile}),
        alice.patch(f"/tasks/{task['id']}", {"title": hostile}),
        alice.post("/tasks", {"title": "Milk", "tags": [hostile]}),
        alice.patch("", {"name": hostile}),
    ):
        assert answer.status_code == 422
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
