"""JSON: what is no task is refused, at its place, and changes nothing."""

import gzip
from io import BytesIO
from typing import Any

import pytest

from tests.conftest import ONE_DATABASE, Count
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers

pytestmark = ONE_DATABASE

DUE = "2026-11-30"

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "empty title": ({"title": ""}, ["#/title"]),
    "blank title": ({"title": " \t\n\u00a0"}, ["#/title"]),
    "long title": ({"title": "x" * 501}, ["#/title"]),
    "title of marks": ({"title": "a" + "\u0315" * 15 + "\u0300" * 16}, ["#/title"]),
    "title of what is taken apart into marks": ({"title": "\u0f73" * 31}, ["#/title"]),
    "title of two lines": ({"title": "a\nb"}, ["#/title"]),
    "title with NUL": ({"title": "a\0b"}, ["#/title"]),
    "title with escape": ({"title": "a\x1b[31mb"}, ["#/title"]),
    "title with a line separator": ({"title": "a\u2028b"}, ["#/title"]),
    "title with next-line": ({"title": "a\u0085b"}, ["#/title"]),
    "long notes": ({"notes": "x" * 20_001}, ["#/notes"]),
    "notes of marks": ({"notes": "a" + "\u0315" * 9_999 + "\u0300" * 9_999}, ["#/notes"]),
    "notes with NUL": ({"notes": "a\0b"}, ["#/notes"]),
    "notes with bell": ({"notes": "a\x07b"}, ["#/notes"]),
    "notes with delete": ({"notes": "a\x7fb"}, ["#/notes"]),
    "unknown priority": ({"priority": "urgent"}, ["#/priority"]),
    "priority in capitals": ({"priority": "HIGH"}, ["#/priority"]),
    "empty tag": ({"tags": ["ok", ""]}, ["#/tags/1"]),
    "blank tag": ({"tags": [" "]}, ["#/tags/0"]),
    "tag of two words": ({"tags": ["two words"]}, ["#/tags/0"]),
    "tag with a comma": ({"tags": ["a,b"]}, ["#/tags/0"]),
    "tag with NUL": ({"tags": ["a\0"]}, ["#/tags/0"]),
    "long tag": ({"tags": ["x" * 51]}, ["#/tags/0"]),
    "tag that is longer in small letters": ({"tags": ["\u0130" * 26]}, ["#/tags/0"]),
    "number among tags": ({"tags": ["a", 1, "b", None]}, ["#/tags/1", "#/tags/3"]),
    "many tags": ({"tags": [f"t{n}" for n in range(51)]}, ["#/tags"]),
    "no such day": ({"due_date": "2026-02-30"}, ["#/due_date"]),
    "date in another order": ({"due_date": "30.11.2026"}, ["#/due_date"]),
    "date with time": ({"due_date": "2026-11-30T10:00:00"}, ["#/due_date"]),
    "date in digits": ({"due_date": "20261130"}, ["#/due_date"]),
    "date as seconds": ({"due_date": "1577836800"}, ["#/due_date"]),
    "date as signed seconds": ({"due_date": "+1577836800"}, ["#/due_date"]),
    "date as negative seconds": ({"due_date": "-86400"}, ["#/due_date"]),
    "date as decimal seconds": ({"due_date": "1577836800.0"}, ["#/due_date"]),
    "empty date": ({"due_date": ""}, ["#/due_date"]),
    "date before 1900": ({"due_date": "1899-12-31"}, ["#/due_date"]),
    "date after 9998": ({"due_date": "9999-01-01"}, ["#/due_date"]),
    "no such time": ({"due_date": DUE, "due_time": "24:00"}, ["#/due_time"]),
    "time with seconds": ({"due_date": DUE, "due_time": "10:00:01"}, ["#/due_time"]),
    "time with a zone": ({"due_date": DUE, "due_time": "10:00Z"}, ["#/due_time"]),
    "time in digits": ({"due_date": DUE, "due_time": "36000"}, ["#/due_time"]),
    "empty time": ({"due_date": DUE, "due_time": ""}, ["#/due_time"]),
    "time without date": ({"due_time": "10:00"}, ["#/due_time"]),
    "unknown field": ({"colour": "red"}, ["#/colour"]),
    "field of the server": ({"rev": 7}, ["#/rev"]),
    "id": ({"id": "01900000-0000-7000-8000-000000000000"}, ["#/id"]),
    "somebody": ({"user_id": "01900000-0000-7000-8000-000000000000"}, ["#/user_id"]),
    "field named self": ({"self": 1}, ["#/self"]),
    "field to escape": ({"a/b~c": 1}, ["#/a~1b~0c"]),
    "two wrong places": ({"title": "", "priority": "urgent"}, ["#/title", "#/priority"]),
}


@in_turn(("fields", "places"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_at_its_place(
    alice: Person, count: Count, fields: dict[str, Any], places: list[str]
) -> None:
    assert pointers(alice.post("/tasks", {"title": "Buy milk"} | fields)) == places
    assert count("tasks") == 0


@in_turn(("fields", "places"), BAD.values(), ids=BAD)
def test_the_same_is_refused_in_a_change(alice: Person, fields: dict[str, Any], places: list[str]) -> None:
    task = alice.make_task()
    assert pointers(alice.patch(f"/tasks/{task['id']}", fields)) == places
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


def test_a_title_is_needed(alice: Person) -> None:
    assert pointers(alice.post("/tasks", {"notes": "but no title"})) == ["#/title"]


TYPES: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 7,
    "decimal": 1.5,
    "text": "yes",
    "array": [],
    "array of arrays": [[]],
    "object": {},
    "operator": {"$ne": ""},
}
FITTING = {
    "title": {"text"},
    "notes": {"text"},
    "priority": set[str](),
    "due_date": {"null"},
    "due_time": {"null"},
    "tags": {"array"},
    "completed": {"true"},
}
WRONG_TYPES = [
    pytest.param(field, value, id=f"{field} {kind}")
    for field, fitting in FITTING.items()
    for kind, value in TYPES.items()
    if kind not in fitting
]


@in_turn(("field", "value"), WRONG_TYPES)
def test_no_field_takes_another_type(alice: Person, count: Count, field: str, value: Any) -> None:
    (place,) = pointers(alice.post("/tasks", {"title": "x", "due_date": DUE} | {field: value}))
    assert place.startswith(f"#/{field}")
    assert count("tasks") == 0


@in_turn(("field", "value"), WRONG_TYPES)
def test_no_change_takes_another_type(alice: Person, field: str, value: Any) -> None:
    task = alice.make_task(due_date=DUE)
    (place,) = pointers(alice.patch(f"/tasks/{task['id']}", {field: value}))
    assert place.startswith(f"#/{field}")
    assert alice.get(f"/tasks/{task['id']}").get_json() == task


@in_turn("body", ["[]", '[{"title": "x"}]', '"title"', "7", "null", "true"])
@in_turn("method", ["POST", "PATCH"])
def test_a_body_that_is_no_object_is_422(alice: Person, method: str, body: str) -> None:
    path = "/tasks" if method == "POST" else f"/tasks/{alice.make_task()['id']}"
    assert pointers(alice.call(method, path, data=body, content_type="application/json")) == ["#"]


MALFORMED = {
    "nothing": b"",
    "cut off": b'{"title": "x"',
    "trailing comma": b'{"title": "x",}',
    "two values": b'{"title": "x"}{}',
    "single quotes": b"{'title': 'x'}",
    "not UTF-8": b'{"title": "\xff"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "lone surrogate": rb'{"title": "\ud800"}',
    "swapped surrogates": rb'{"title": "\udc00\ud800"}',
    "surrogate bytes": b'{"title": "\xed\xa0\x80"}',
    "raw line end": b'{"title": "a\nb"}',
    "deep nesting": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep unknown field": b'{"title": "x", "x": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
}


@in_turn("body", MALFORMED.values(), ids=MALFORMED)
@in_turn("method", ["POST", "PATCH"])
def test_malformed_json_is_400(alice: Person, method: str, body: bytes) -> None:
    path = "/tasks" if method == "POST" else f"/tasks/{alice.make_task()['id']}"
    response = alice.call(method, path, data=body, content_type="application/json")
    assert response.status_code == 400, response.text
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_content_type_is_415(alice: Person, count: Count, content_type: str | None) -> None:
    response = alice.call("POST", "/tasks", data=b'{"title": "x"}', content_type=content_type)
    assert response.status_code == 415
    assert "application/json" in response.get_json()["detail"]
    assert count("tasks") == 0


@pytest.mark.parametrize("path", ["/tasks", "/import"])
def test_a_compressed_body_is_415(alice: Person, path: str) -> None:
    body, coding = gzip.compress(b'{"title": "x"}'), {"HTTP_CONTENT_ENCODING": "gzip"}
    response = alice.call("POST", path, data=body, content_type="application/json", environ_base=coding)
    assert response.status_code == 415
    assert "without Content-Encoding" in response.get_json()["detail"]


BIG = b'{"title": "x", "notes": "' + b"x" * 1_000_000 + b'"}'


def test_a_body_of_a_megabyte_is_413(alice: Person) -> None:
    response = alice.call("POST", "/tasks", data=BIG, content_type="application/json")
    assert response.status_code == 413
    assert response.get_json()["status"] == 413


def test_a_body_of_a_megabyte_is_413_without_saying_so_beforehand(alice: Person) -> None:
    response = alice.call(
        "POST",
        "/tasks",
        input_stream=BytesIO(BIG),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413
