"""JSON: what an import refuses, with the place of every mistake."""

from typing import Any

from tests.conftest import ONE_DATABASE, Count
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, record, send, send_json

MISTAKES = [
    ({"title": ""}, "title"),
    ({"title": "a\0b"}, "title"),
    ({"title": "a\u2028b"}, "title"),
    ({"title": 1}, "title"),
    ({"title": None}, "title"),
    ({"title": "x" * 501}, "title"),
    ({"notes": "x" * 20_001}, "notes"),
    ({"notes": "a\0"}, "notes"),
    ({"priority": "urgent"}, "priority"),
    ({"priority": 3}, "priority"),
    ({"due_date": "2026-02-30"}, "due_date"),
    ({"due_date": "1700000000"}, "due_date"),
    ({"due_date": 0}, "due_date"),
    ({"due_time": "10:00"}, "due_time"),
    ({"due_date": "2026-12-01", "due_time": "10:00:30"}, "due_time"),
    ({"tags": "home"}, "tags"),
    ({"tags": ["a b"]}, "tags/0"),
    ({"tags": ["a", 1]}, "tags/1"),
    ({"tags": [[]]}, "tags/0"),
    ({"completed_at": True}, "completed_at"),
    ({"completed_at": "1700000000"}, "completed_at"),
    ({"completed_at": 1e308}, "completed_at"),
    ({"completed_at": "2026-11-22T10:00:00"}, "completed_at"),
    ({"completed_at": "2026-11-22T10:00:00.1234567Z"}, "completed_at"),
    ({"created_at": None}, "created_at"),
    ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
    ({"created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
    ({"updated_at": "2026-13-01T00:00:00Z"}, "updated_at"),
    ({"id": "x"}, "id"),
    ({"id": None}, "id"),
    ({"id": 10**30}, "id"),
    ({"completed": True}, "completed"),
    ({"rev": 1}, "rev"),
    ({"user_id": "00000000-0000-4000-8000-000000000000"}, "user_id"),
    ({"a/b~c": 1}, "a~1b~0c"),
]


@ONE_DATABASE
@in_turn(("fields", "place"), MISTAKES, ids=lambda each: str(each)[:40])
def test_a_mistake_is_named_by_its_place_and_nothing_is_imported(
    alice: Person, count: Count, fields: dict[str, Any], place: str
) -> None:
    file = document(record(1), record(2, **fields))
    for query in ("?dry_run=true", ""):
        assert pointers(send_json(alice, file, query)) == [f"#/tasks/1/{place}"]
    assert count("tasks") == 0


def test_an_id_and_a_title_are_all_a_task_needs(alice: Person) -> None:
    assert pointers(send_json(alice, document({}, {"title": "x"}, record(3)))) == [
        "#/tasks/0/id",
        "#/tasks/0/title",
        "#/tasks/1/id",
    ]
    assert counts(send_json(alice, document(record(3)))) == (1, 0, 0)


def test_all_mistakes_are_named_up_to_a_hundred(alice: Person) -> None:
    places = pointers(send_json(alice, document(*(record(number, title="") for number in range(60)))))
    assert places == [f"#/tasks/{number}/title" for number in range(60)]
    places = pointers(send_json(alice, document(*(record(number, title="", notes=1) for number in range(1000)))))
    assert len(places) == 100
    assert places[-1] == "#/tasks/49/notes"


def test_the_same_id_twice_is_a_mistake(alice: Person) -> None:
    assert pointers(send_json(alice, document(record(1), record(2), record(1)))) == ["#/tasks/2/id"]


@in_turn(
    ("file", "place"),
    [
        ([], "format"),
        ("taskward", "format"),
        ({}, "format"),
        ({"format": "todoist", "format_version": 1, "tasks": []}, "format"),
        ({"format": "taskward", "tasks": []}, "format_version"),
        (document(format_version="1"), "format_version"),
        (document(format_version=True), "format_version"),
        (document(format_version=1.0), "format_version"),
        (document(format_version=0), "format_version"),
        ({"format": "taskward", "format_version": 1}, "tasks"),
        (document() | {"tasks": {}}, "tasks"),
        (document() | {"tasks": None}, "tasks"),
        (document(1), "tasks/0"),
        (document(record(1), []), "tasks/1"),
        (document(None), "tasks/0"),
    ],
)
def test_what_is_no_export_is_refused(alice: Person, file: Any, place: str) -> None:
    assert pointers(send_json(alice, file)) == [f"#/{place}"]


def test_an_export_of_a_newer_version_says_that_this_server_is_too_old(alice: Person) -> None:
    response = send_json(alice, document(record(1), format_version=2))
    assert pointers(response) == ["#/format_version"]
    assert "A newer Taskward made this export" in response.get_json()["detail"]


def test_other_content_types_are_refused_by_name(alice: Person) -> None:
    for kind in ("application/xml", "multipart/form-data", ""):
        response = send(alice, "{}", kind)
        assert response.status_code == 415
        assert "text/csv" in response.get_json()["detail"]


def test_unknown_parameters_are_refused(alice: Person) -> None:
    assert pointers(send_json(alice, document(), "?dry-run=true")) == ["#/dry-run"]
    assert pointers(send_json(alice, document(), "?dry_run=perhaps")) == ["#/dry_run"]
