"""JSON: lists in pages, by keyset cursors."""

import base64
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.planting import plant

SORTS = ["due", "-due", "priority", "-priority", "created", "-created", "updated", "-updated", "title", "-title"]

# The fixtures hold nothing that one example could leave behind for the next.
fuzz = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def pages(person: Person, query: str) -> Iterator[list[str]]:
    """Follow the ``Link`` of each page, which has to carry the cursor of its body, and yield the ids of each page."""
    address: str | None = f"/tasks?{query}"
    while address:
        response = person.get(address)
        assert response.status_code == 200, response.text
        body = response.get_json()
        yield [task["id"] for task in body["items"]]
        link = re.fullmatch(r'<(/api/[^>]*)>; rel="next"', response.headers.get("Link", ""))
        address = link[1] if link else None
        assert (body["next_cursor"] is None) == (link is None)
        assert link is None or f"cursor={body['next_cursor']}" in address.partition("?")[2].split("&")


@pytest.mark.parametrize("sort", SORTS)
def test_pages_show_every_task_once_and_in_the_order_of_one_long_list(app: Flask, alice: Person, sort: str) -> None:
    planted = plant(app, alice.id, 120)
    whole = [task["id"] for task in alice.get(f"/tasks?sort={sort}&limit=200").get_json()["items"]]
    assert sorted(whole) == sorted(planted)
    cut = list(pages(alice, f"sort={sort}&limit=7"))
    assert [len(page) for page in cut] == [7] * 17 + [1]
    assert list(chain.from_iterable(cut)) == whole


@pytest.mark.parametrize("sort", ["due", "-priority", "created", "-updated", "title"])
def test_tasks_that_stay_are_shown_once_while_others_come_and_go(app: Flask, alice: Person, sort: str) -> None:
    planted = set(plant(app, alice.id, 120))
    removed: set[str] = set()
    seen: list[str] = []
    for page in pages(alice, f"sort={sort}&limit=7"):
        seen += page
        # One that was shown and one that was not, among them the very task at which the next page starts.
        unseen = sorted(planted - removed - set(seen))
        for task_id in (*page[-1:], *unseen[:1]):
            assert alice.delete(f"/tasks/{task_id}").status_code == 204
            removed.add(task_id)
        for due in ({"due_date": "2026-02-01"}, {"due_date": "2026-03-04"}, {}):
            alice.make_task(**due)
        assert len(seen) < 400
    assert len(seen) == len(set(seen))
    assert planted - removed <= set(seen)


def test_the_last_page_has_no_next_even_when_it_is_full(app: Flask, alice: Person) -> None:
    plant(app, alice.id, 10)
    assert [len(page) for page in pages(alice, "limit=5")] == [5, 5]
    assert [len(page) for page in pages(alice, "limit=10")] == [10]


def test_a_list_is_followed_with_the_filters_it_began_with(app: Flask, alice: Person) -> None:
    for number in range(9):
        alice.make_task(title=f"a&b {number}", tags=["x+y"])
    plant(app, alice.id, 20)
    found = list(pages(alice, "q=a%26b&tag=x%2By&status=all&sort=-created&limit=2"))
    assert [len(page) for page in found] == [2, 2, 2, 2, 1]


def test_a_page_has_50_tasks_when_nothing_is_said_and_never_more_than_200(app: Flask, alice: Person) -> None:
    plant(app, alice.id, 230)
    sizes = {
        query: len(alice.get(f"/tasks?{query}").get_json()["items"])
        for query in ("", "limit=1", "limit=199", "limit=200", "limit=201", f"limit={10**30}")
    }
    assert list(sizes.values()) == [50, 1, 199, 200, 200, 200]


def test_the_next_page_may_have_another_size(app: Flask, alice: Person) -> None:
    planted = plant(app, alice.id, 9, lambda _: {})
    cursor = alice.get("/tasks?limit=2").get_json()["next_cursor"]
    items = alice.get(f"/tasks?limit=4&cursor={cursor}").get_json()["items"]
    assert [task["id"] for task in items] == planted[2:6]


@pytest.fixture
def cursors(app: Flask, alice: Person) -> dict[str, str]:
    """The cursor of the second page of a list, by order."""
    plant(app, alice.id, 10)
    return {sort: alice.get(f"/tasks?limit=3&sort={sort}").get_json()["next_cursor"] for sort in SORTS}


@ONE_DATABASE
@pytest.mark.parametrize(
    "query", ["sort=-due", "sort=created", "status=all", "q=Task", "tag=x", "priority=low", "due_before=2026-03-04"]
)
def test_a_cursor_is_good_for_no_other_list(alice: Person, cursors: dict[str, str], query: str) -> None:
    assert pointers(alice.get(f"/tasks?{query}&cursor={cursors['due']}")) == ["#/cursor"]


def test_another_persons_cursor_shows_nothing_of_theirs(
    app: Flask, alice: Person, bob: Person, cursors: dict[str, str]
) -> None:
    own = plant(app, bob.id, 5)
    items = bob.get(f"/tasks?cursor={cursors['due']}").get_json()["items"]
    assert {task["id"] for task in items} <= set(own)


@ONE_DATABASE
@in_turn("sort", SORTS)
def test_a_cursor_cut_short_is_refused(alice: Person, cursors: dict[str, str], sort: str) -> None:
    whole = cursors[sort]
    for length in range(0, len(whole), 5):
        assert pointers(alice.get(f"/tasks?sort={sort}&cursor={whole[:length]}")) == ["#/cursor"]


def test_an_overlong_cursor_is_refused(alice: Person) -> None:
    assert pointers(alice.get(f"/tasks?cursor={'A' * 2001}")) == ["#/cursor"]


@fuzz
@given(text=st.text(max_size=60))
def test_no_text_in_place_of_a_cursor_is_a_server_error(alice: Person, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert pointers(alice.get("/tasks", query_string={"cursor": text})) == ["#/cursor"]


def forge(cursor: str, key: Any, last_id: Any) -> str:
    """Return the cursor with another place in it, as whoever knows the format could make it."""
    fingerprint = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    return base64.urlsafe_b64encode(json.dumps([fingerprint, key, last_id, None]).encode()).decode()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
odd_keys = scalars | st.text(min_size=16, max_size=16) | st.datetimes().map(str) | st.lists(scalars, max_size=2)
odd_ids = scalars | st.uuids().map(str) | st.lists(scalars, max_size=2)


@fuzz
@given(sort=st.sampled_from(SORTS), key=odd_keys, last_id=odd_ids)
def test_no_forged_cursor_is_a_server_error(
    alice: Person, cursors: dict[str, str], sort: str, key: Any, last_id: Any
) -> None:
    query = {"sort": sort, "cursor": forge(cursors[sort], key, last_id)}
    assert alice.get("/tasks", query_string=query).status_code in (200, 422)


KEYS = {
    "NUL": "\0" * 16,
    "lone surrogates": "\ud800" * 16,
    "text too short": "2026-11-03T10:1",
    "text too long": "2026-11-03T10:150",
    "before all time": "0001-01-01T00:00:00+14:00",
    "after all time": "9999-12-31T23:59:59-14:00",
    "number": 1_600_000_000_000_000,
    "nothing": None,
    "list": ["2026-11-03T10:15"],
}


@in_turn("key", KEYS.values(), ids=KEYS)
@in_turn("sort", ["due", "-created", "priority"])
def test_a_place_that_is_none_is_refused(alice: Person, cursors: dict[str, str], sort: str, key: Any) -> None:
    query = {"sort": sort, "cursor": forge(cursors[sort], key, "0" * 32)}
    assert pointers(alice.get("/tasks", query_string=query)) == ["#/cursor"]


@in_turn("last_id", [None, 7, "", "g" * 32, "0" * 31, ["0" * 32]], ids=repr)
def test_an_id_that_is_none_is_refused(alice: Person, cursors: dict[str, str], last_id: Any) -> None:
    query = {"cursor": forge(cursors["due"], "2026-11-03T10:15", last_id)}
    assert pointers(alice.get("/tasks", query_string=query)) == ["#/cursor"]


@ONE_DATABASE
@in_turn("content", ["null", "[]", "{}", "[[]]", '"abc"', '{"a":1,"b":2,"c":3}', "[" * 2000, "[1,2,3,4,5]", "1" * 2000])
def test_other_json_in_a_cursor_is_refused(alice: Person, content: str) -> None:
    cursor = base64.urlsafe_b64encode(content.encode()).decode()[:2000]
    assert pointers(alice.get("/tasks", query_string={"cursor": cursor})) == ["#/cursor"]
