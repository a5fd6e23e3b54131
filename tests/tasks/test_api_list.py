"""JSON: which tasks a list shows, and in which order."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask

from tests.people import Person, make_person


def titles(person: Person, query: str = "") -> list[str]:
    """Return the titles of a list in its order."""
    response = person.get(f"/tasks?{query}")
    assert response.status_code == 200, response.text
    return [task["title"] for task in response.get_json()["items"]]


def test_without_tasks_the_list_is_empty(alice: Person) -> None:
    response = alice.get("/tasks")
    assert response.get_json() == {"items": [], "next_cursor": None}
    assert "Link" not in response.headers


def test_a_list_shows_tasks_just_as_they_are_shown_alone(alice: Person) -> None:
    task = alice.make_task(notes="n", priority="low", due_date="2026-11-30", due_time="10:00", tags=["a", "b"])
    assert alice.get("/tasks").get_json() == {"items": [task], "next_cursor": None}


@pytest.fixture
def agenda(alice: Person) -> Person:
    """Alice with tasks created in another order than they are due."""
    for title, due in (
        ("undated 1", {}),
        ("monday late", {"due_date": "2026-11-02", "due_time": "23:59"}),
        ("tuesday", {"due_date": "2026-11-03"}),
        ("monday some time", {"due_date": "2026-11-02"}),
        ("undated 2", {}),
        ("monday first", {"due_date": "2026-11-02", "due_time": "00:00"}),
        ("long ago", {"due_date": "1999-12-31"}),
        ("far away", {"due_date": "9998-12-31"}),
        ("monday noon", {"due_date": "2026-11-02", "due_time": "12:00"}),
    ):
        alice.make_task(title=title, **due)
    return alice


BY_DUE = ["long ago", "monday first", "monday noon", "monday late", "monday some time", "tuesday", "far away"]
BY_DUE += ["undated 1", "undated 2"]


@pytest.mark.parametrize("query", ["", "sort=due", "sort=due&status=all"])
def test_tasks_come_by_due_date_then_time_and_those_without_a_date_last(agenda: Person, query: str) -> None:
    assert titles(agenda, query) == BY_DUE


def test_due_downwards_is_the_same_list_from_its_end(agenda: Person) -> None:
    assert titles(agenda, "sort=-due") == BY_DUE[::-1]


def test_a_changed_due_date_moves_the_task(agenda: Person) -> None:
    by_title = {task["title"]: task for task in agenda.get("/tasks").get_json()["items"]}
    agenda.patch(f"/tasks/{by_title['undated 1']['id']}", {"due_date": "1999-12-30"})
    agenda.patch(f"/tasks/{by_title['monday noon']['id']}", {"due_time": None})
    agenda.patch(f"/tasks/{by_title['long ago']['id']}", {"due_date": None})
    order = titles(agenda)
    assert order[:3] == ["undated 1", "monday first", "monday late"]
    assert set(order[3:5]) == {"monday noon", "monday some time"}
    assert set(order[-2:]) == {"long ago", "undated 2"}


def test_lists_go_by_creation_and_by_last_change_in_both_directions(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 3, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        tasks = []
        for title in ("a", "b", "c"):
            tasks.append(carol.make_task(title=title))
            clock.shift(0.01)
        carol.patch(f"/tasks/{tasks[0]['id']}", {"notes": "changed"})
        assert titles(carol, "sort=created") == ["a", "b", "c"]
        assert titles(carol, "sort=-created") == ["c", "b", "a"]
        assert titles(carol, "sort=updated") == ["b", "c", "a"]
        assert titles(carol, "sort=-updated") == ["a", "c", "b"]


def test_a_tag_filters_whatever_its_case(alice: Person) -> None:
    alice.make_task(title="both", tags=["home", "work"])
    alice.make_task(title="one", tags=["Home"])
    alice.make_task(title="longer", tags=["homework"])
    alice.make_task(title="home")
    assert titles(alice, "tag=home") == ["both", "one"]
    assert titles(alice, "tag=HOME") == ["both", "one"]
    assert titles(alice, "tag=work") == ["both"]
    assert titles(alice, "tag=hom%25") == []


def test_a_tag_that_was_taken_off_no_longer_finds_the_task(alice: Person) -> None:
    task = alice.make_task(title="x", tags=["old", "kept"])
    alice.patch(f"/tasks/{task['id']}", {"tags": ["kept", "new"]})
    assert [titles(alice, f"tag={tag}") for tag in ("old", "kept", "new")] == [[], ["x"], ["x"]]


SEARCHES = {
    "a word of a title": ("milk", ["Buy MILK"]),
    "in another case": ("MiLk", ["Buy MILK"]),
    "part of a word": ("ilk", ["Buy MILK"]),
    "a word of notes": ("fridge", ["Buy MILK"]),
    "words apart, one in the notes": ("fridge buy", ["Buy MILK"]),
    "words of which one is missing": ("milk cheese", []),
    "surrounding space": ("  milk  ", ["Buy MILK"]),
    "a percent sign": ("%", ["50% off"]),
    "a percent sign within": ("0% o", ["50% off"]),
    "an underscore": ("_", ["snake_case"]),
    "an underscore in place of a letter": ("b_y", []),
    "a backslash": ("\\", ["back\\slash"]),
    "a slash": ("/", ["and/or"]),
    "a quote": ("o'", ["o'clock"]),
    "two quotes": ("o''", []),
    "nothing": ("", ["Buy MILK", "50% off", "snake_case", "back\\slash", "and/or", "o'clock", "\u7af9 garden"]),
    "another script": ("\u7af9", ["\u7af9 garden"]),
}


@pytest.mark.parametrize(("words", "found"), SEARCHES.values(), ids=SEARCHES)
def test_a_search_finds_tasks_with_all_its_words(alice: Person, words: str, found: list[str]) -> None:
    alice.make_task(title="Buy MILK", notes="The Fridge is empty")
    for title in SEARCHES["nothing"][1][1:]:
        alice.make_task(title=title)
    response = alice.get("/tasks", query_string={"q": words})
    assert [task["title"] for task in response.get_json()["items"]] == found


def test_of_several_tags_a_task_has_to_have_all(alice: Person) -> None:
    alice.make_task(title="both", tags=["home", "work"])
    alice.make_task(title="one", tags=["home"])
    assert titles(alice, "tag=home&tag=Work") == ["both"]
    assert titles(alice, "tag=home&tag=home") == ["both", "one"]


def test_a_priority_filters(alice: Person) -> None:
    for level in ("high", "none", "low"):
        alice.make_task(title=level, priority=level)
    assert [titles(alice, f"priority={level}") for level in ("high", "medium", "none")] == [["high"], [], ["none"]]


def test_due_before_and_after_leave_out_the_day_itself_and_what_has_no_date(agenda: Person) -> None:
    assert titles(agenda, "due_before=2026-11-02") == ["long ago"]
    assert titles(agenda, "due_after=2026-11-02") == ["tuesday", "far away"]
    assert titles(agenda, "due_after=2026-11-01&due_before=2026-11-03") == BY_DUE[1:5]
    assert titles(agenda, "due_after=9998-12-31") == []


def test_what_was_updated_since_an_instant_includes_the_instant(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 3, 10, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        for title in ("a", "b"):
            carol.make_task(title=title)
            clock.shift(60)
        assert titles(carol, "updated_since=2026-11-03T10:00:00Z") == ["a", "b"]
        assert titles(carol, "updated_since=2026-11-03T11:01:00%2B01:00") == ["b"]
        assert titles(carol, "updated_since=2026-11-03T10:01:00.000001Z") == []


def test_lists_go_by_priority_and_by_title_in_both_directions(alice: Person) -> None:
    for title, level in (("cherry", "low"), ("Apple", "high"), ("banana", "none"), ("\uff22a", "medium")):
        alice.make_task(title=title, priority=level)
    assert titles(alice, "sort=-priority") == ["Apple", "\uff22a", "cherry", "banana"]
    assert titles(alice, "sort=priority") == ["banana", "cherry", "\uff22a", "Apple"]
    assert titles(alice, "sort=title") == ["Apple", "\uff22a", "banana", "cherry"]
    assert titles(alice, "sort=-title") == ["cherry", "banana", "\uff22a", "Apple"]


@pytest.mark.parametrize("status", ["completed", "trash"])
def test_what_is_done_or_deleted_comes_with_the_latest_first_unless_told_otherwise(app: Flask, status: str) -> None:
    with time_machine.travel(datetime(2026, 11, 3, tzinfo=UTC), tick=False) as clock:
        carol = make_person(app, "carol@example.org")
        for title in ("a", "b"):
            task = carol.make_task(title=title)
            clock.shift(1)
            if status == "trash":
                carol.delete(f"/tasks/{task['id']}")
            else:
                carol.patch(f"/tasks/{task['id']}", {"completed": True})
        assert titles(carol, f"status={status}") == ["b", "a"]
        assert titles(carol, f"status={status}&sort=created") == ["a", "b"]


def test_a_total_is_told_to_whoever_asks_and_is_of_all_pages(alice: Person) -> None:
    for tags in (["x"], ["x"], ["x"], []):
        alice.make_task(tags=tags)
    first = alice.get("/tasks?tag=x&limit=2&count=true").get_json()
    assert (first["total"], len(first["items"])) == (3, 2)
    assert alice.get(f"/tasks?tag=x&limit=2&count=true&cursor={first['next_cursor']}").get_json()["total"] == 3
    assert "total" not in alice.get("/tasks?count=false").get_json()


def test_filters_work_together(alice: Person) -> None:
    alice.make_task(title="milk a", tags=["shop"])
    alice.make_task(title="milk b", tags=["shop"], completed=True)
    alice.make_task(title="milk c")
    alice.make_task(title="bread", tags=["shop"])
    assert titles(alice, "tag=shop&q=milk") == ["milk a"]
    assert titles(alice, "tag=shop&q=milk&status=all&sort=-created") == ["milk b", "milk a"]
    assert titles(alice, "tag=shop&q=milk&status=completed") == ["milk b"]
