"""What a view is going to read is read in one round trip with who is asking: as if it had been two."""

import threading
from collections.abc import Callable
from itertools import count
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.extensions import db
from app.services import liveness, task_lists, tasks, tokens
from app.services.task_query import Query
from tests.asked import asked
from tests.conftest import STRICT_DATABASE
from tests.people import Person, make_person
from tests.tasks import plans

ODD_NAME = 'Zoë "O\'Neil" \\ \u2028 😀 %s {} [null]'

#: The ways in which a token stops being good before it expires.
ENDS: dict[str, Callable[[Person], TestResponse]] = {
    "sign-in": lambda person: person.post("/api/auth/logout"),
    "token": lambda person: person.client.post("/oauth/revoke", data={"token": person.access_token}),
}


@pytest.mark.parametrize("path", ["/tasks", "/tasks?limit=1", "/tasks/{task}"])
def test_with_anothers_id_nothing_of_theirs_is_read(app: Flask, alice: Person, bob: Person, path: str) -> None:
    task = alice.make_task(title="Hers")
    bob.make_task(title="His")
    address = alice.url(path.format(task=task["id"]))
    with plans.recorded(app) as sent:
        response = app.test_client().get(address, headers={"Authorization": f"Bearer {bob.access_token}"})
    assert response.status_code == 403
    assert bob.id.replace("-", "") in repr(sent).replace("-", "")
    assert alice.id.replace("-", "") not in repr(sent).replace("-", "")


@pytest.mark.parametrize("path", ["/tasks", "/tasks?sort=-created&limit=1", "/tasks/{task}"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_what_is_there_is_not_shown_once_the_sign_in_or_the_token_is_over(
    alice: Person, path: str, end: Callable[[Person], TestResponse]
) -> None:
    task = alice.make_task(title="Hers")
    address = path.format(task=task["id"])
    assert "Hers" in alice.get(address).text
    assert end(alice).status_code in (200, 204)
    response = alice.get(address)
    assert response.status_code == 401
    assert "Hers" not in response.text


def test_who_is_asking_is_the_same_with_and_without(app: Flask) -> None:
    person = make_person(app, "odd@example.org", name=ODD_NAME)
    task = person.make_task(title="One")
    with app.app_context():
        claims, user_id = tokens.verify(person.access_token, tokens.ACCESS), UUID(person.id)
        alone = liveness.principal(claims)
        assert alone is not None
        assert alone.name == ODD_NAME
        for statement in (
            tasks.statement(user_id, UUID(task["id"])),
            tasks.statement(user_id, UUID(int=0)),
            task_lists.statement(user_id, Query(), 20),
            task_lists.statement(user_id, Query(status="trash"), 20),
        ):
            assert liveness.principal(claims, statement) == alone
            assert db.fetch_all(*statement) == db.fetch_all(*statement)


def test_what_was_read_ahead_answers_that_question_once_and_no_other(app: Flask, alice: Person) -> None:
    first, second = (UUID(alice.make_task(title=title)["id"]) for title in ("First", "Second"))
    user_id = UUID(alice.id)
    with app.app_context():
        statement = tasks.statement(user_id, first)
        db.prefetched(statement, ["read ahead"])
        assert [row[1] for row in db.fetch_all(*tasks.statement(user_id, second))] == ["Second"]
        assert [row[1] for row in db.fetch_all(*statement)] == ["First"]
        db.prefetched(statement, ["read ahead"])
        assert db.fetch_all(*statement) == ["read ahead"]
        assert [row[1] for row in db.fetch_all(*statement)] == ["First"]


@pytest.mark.parametrize("query", ["limit=0", "cursor=nonsense", "q=due:someday", "limit=1&limit=2", "unknown=1"])
def test_what_is_wrong_with_a_query_is_told_only_to_whoever_may_ask(alice: Person, bob: Person, query: str) -> None:
    assert alice.get(f"/tasks?{query}").status_code == 422
    get = alice.app.test_client().get
    assert get(alice.url(f"/tasks?{query}"), headers={"Authorization": "Bearer x"}).status_code == 401
    theirs = {"Authorization": f"Bearer {bob.access_token}"}
    assert get(alice.url(f"/tasks?{query}"), headers=theirs).status_code == 403


@STRICT_DATABASE
@pytest.mark.parametrize(("before", "place"), [(0, 1), (0, 2), (0, 3), (1, 1)])
def test_a_task_that_is_added_while_a_list_is_read_is_never_hidden_by_its_entity_tag(
    alice: Person, before: int, place: int
) -> None:
    for _ in range(before):
        alice.make_task(title="There before")
    statements = count(1)
    request = threading.current_thread()

    def add_in_between(_statement: str, _values: object) -> None:
        if threading.current_thread() is request and next(statements) == place:
            adding = threading.Thread(target=alice.make_task, kwargs={"title": "Added meanwhile"})
            adding.start()
            adding.join()

    with asked(add_in_between):
        first = alice.get("/tasks")
    known = alice.bearer() | {"If-None-Match": first.headers["ETag"]}
    again = alice.client.get(alice.url("/tasks"), headers=known)
    shown = first.get_json() if again.status_code == 304 else again.get_json()
    assert shown == alice.get("/tasks").get_json()
    assert "Added meanwhile" in [task["title"] for task in shown["items"]]
