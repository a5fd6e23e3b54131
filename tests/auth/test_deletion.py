"""Deleting an account while its owner's programs and a guesser are at work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from tests.conftest import Count
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


@pytest.mark.proves("ASVS 7.4.2")
def test_what_arrives_while_an_account_is_deleted_is_no_fault_of_ours(app: Flask, count: Count) -> None:
    for number in range(ROUNDS):
        work = requests_of(make_person(app, f"person{number}@example.org"))
        start = Barrier(len(work))

        def together(send: Callable[[], int], start: Barrier = start) -> int:
            start.wait()
            return send()

        with ThreadPoolExecutor(len(work)) as pool:
            statuses = list(pool.map(together, work))
        assert statuses[0] == 204, statuses
        assert max(statuses) < 500, statuses
    for table in ("users", "sign_ins", "tasks", "task_tags"):
        assert count(table) == 0, table
