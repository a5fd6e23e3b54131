"""Deleting an account while its owner's programs and a guesser are at work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from tests.conftest import STRICT_DATABASE, Count
from tests.locks import wait_until_waiting
from tests.pages import Browser
from tests.people import PASSWORD, Person, make_person

ROUNDS = 15


def requests_of(person: Person) -> list[Callable[[], int]]:
    """Return what is sent at the same moment: the deletion comes first."""
    login = {"email": person.email, "password": "not the right one"}
    other = person.another_sign_in()
    api = person.client
    return [
        lambda: person.delete(json={"password": PASSWORD}).status_code,
        lambda: api.post("/api/auth/login", json=login).status_code,
        lambda: api.post("/api/auth/login", json=login | {"password": PASSWORD}).status_code,
        lambda: api.post("/api/auth/refresh", json={"refresh_token": other.refresh_token}).status_code,
        lambda: other.post("/tasks", {"title": "Buy milk", "tags": ["home"]}).status_code,
        lambda: other.patch(json={"name": "Alice A."}).status_code,
    ]


def changes_of(person: Person) -> list[Callable[[], int]]:
    """Return everything that takes the password or changes the account, with its deletion twice."""
    others = [person.another_sign_in() for _ in range(5)]
    new = "an entirely new passphrase"
    proof, passwords = {"password": PASSWORD}, {"current_password": PASSWORD, "new_password": new}
    browsers = [Browser(person.app, person) for _ in range(4)]
    texts = [browser.get("/account").text for browser in browsers]
    tokens = [text.partition('name="csrf_token" value="')[2].partition('"')[0] for text in texts]
    form = {"timezone": "UTC", "name": "A", "email": "page@example.org"} | proof | passwords
    pages = ("/account/password", "/account/confirm", "/account/profile", "/account/email")
    return [
        lambda: person.delete(json=proof).status_code,
        lambda: others[0].delete(json=proof).status_code,
        lambda: others[1].put("/email", {"email": "api@example.org"}).status_code,
        lambda: others[2].put("/password", passwords).status_code,
        lambda: others[3].post("/reauthenticate", proof).status_code,
        lambda: others[4].delete("/sessions").status_code,
        *(
            lambda browser=browser, page=page, token=token: browser.send(page, form | {"csrf_token": token}).status_code
            for browser, page, token in zip(browsers, pages, tokens, strict=True)
        ),
    ]


def at_once(work: list[Callable[[], int]]) -> list[int]:
    """Return the statuses of requests that are sent at the same moment."""
    start = Barrier(len(work))

    def together(send: Callable[[], int]) -> int:
        start.wait()
        return send()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(together, work))


@pytest.mark.proves("ASVS 7.4.2")
def test_what_arrives_while_an_account_is_deleted_is_no_fault_of_ours(app: Flask, count: Count) -> None:
    for number in range(ROUNDS):
        statuses = at_once(requests_of(make_person(app, f"person{number}@example.org")))
        assert statuses[0] == 204, statuses
        assert max(statuses) < 500, statuses
    for table in ("users", "sign_ins", "tasks", "task_tags"):
        assert count(table) == 0, table


@pytest.mark.proves("ASVS 7.4.2")
def test_what_changes_an_account_while_it_is_deleted_is_no_fault_of_ours(app: Flask) -> None:
    app.testing = False
    try:
        for number in range(ROUNDS // 2):
            person = make_person(app, f"person{number}@example.org")
            statuses = at_once(changes_of(person))
            assert max(statuses) < 500, statuses
    finally:
        app.testing = True


HOLD = text("SELECT id FROM sign_ins WHERE id = :id FOR UPDATE")


@STRICT_DATABASE
def test_sign_ins_are_ended_in_the_order_of_their_ids(app: Flask, alice: Person) -> None:
    """Two who end the same ones, the second in the order in which they lie about by then, would wait for each other."""
    *others, last = others_of(alice, 3)
    first = UUID(int=1)
    with ThreadPoolExecutor(1) as pool, app.app_context(), db.read() as looking:
        looking.execute(text("UPDATE sign_ins SET id = :first WHERE id = :last"), {"first": first, "last": last})
        with db.engine.begin() as holding:
            holding.execute(HOLD, {"id": others[1]})
            ended = pool.submit(alice.delete, "/sessions")
            wait_until_waiting(1)
            skipping = text(f"{HOLD} SKIP LOCKED")
            assert [each for each in (first, others[0]) if looking.execute(skipping, {"id": each}).first()] == []
        assert ended.result().status_code == 204


@STRICT_DATABASE
def test_whoever_ends_sessions_and_whoever_deletes_the_account_do_not_wait_for_each_other(
    app: Flask, alice: Person
) -> None:
    """Who has waited for a row holds it, although meanwhile it was ended and is none of those to end any more."""
    first, second, _ = others_of(alice, 3)
    end = text("UPDATE sign_ins SET revoked_at = now() WHERE id IN (:first, :second)")
    with ThreadPoolExecutor(2) as pool, app.app_context():
        with db.engine.begin() as holding:
            holding.execute(text("SELECT id FROM sign_ins WHERE id = :id FOR KEY SHARE"), {"id": second})
            with db.engine.begin() as ending:
                ending.execute(end, {"first": first, "second": second})
                ended = pool.submit(alice.delete, "/sessions")
                wait_until_waiting(1)
            deleted = pool.submit(alice.delete, json={"password": PASSWORD})
            wait_until_waiting(2)
        assert ended.result().status_code == 204
        assert deleted.result().status_code == 204


@STRICT_DATABASE
def test_whoever_changes_the_address_waits_for_sign_ins_before_events_have_to_wait_for_him(
    app: Flask, alice: Person
) -> None:
    browser, address = Browser(app, alice), "/account/email"
    with ThreadPoolExecutor(1) as pool, app.app_context():
        with db.engine.begin() as ending:
            ending.execute(text("SELECT id FROM sign_ins WHERE kind = 'web' FOR UPDATE"))
            changed = pool.submit(browser.post, address, address, email="new@example.org")
            wait_until_waiting(1)
            # As an event does, which whoever ends a sign-in writes next.
            assert ending.execute(text("SELECT id FROM users FOR KEY SHARE SKIP LOCKED")).all()
        assert changed.result().status_code == 303


@STRICT_DATABASE
def test_a_calendar_address_is_revoked_in_the_order_in_which_an_account_is_deleted(app: Flask, alice: Person) -> None:
    assert alice.post("/feed").status_code == 201
    with ThreadPoolExecutor(1) as pool, app.app_context():
        with db.engine.begin() as deleting:
            deleting.execute(text("SELECT id FROM users FOR UPDATE"))
            revoked = pool.submit(alice.delete, "/feed")
            wait_until_waiting(1)
            assert deleting.execute(text("SELECT * FROM calendar_feeds FOR UPDATE SKIP LOCKED")).all()
        assert revoked.result().status_code == 204


def others_of(person: Person, number: int) -> list[UUID]:
    """Sign the person in so many times more; return the ids, in their order."""
    for _ in range(number):
        person.another_sign_in()
    return sorted(UUID(each["id"]) for each in person.get("/sessions").get_json()["items"] if not each["current"])
