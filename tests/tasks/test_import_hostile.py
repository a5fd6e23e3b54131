"""JSON: files made to break things are refused quickly, with a 4xx, and change nothing."""

import json
import time

import pytest

from app.tasks.imported import MAX_BYTES, MAX_TASKS
from tests.conftest import ONE_DATABASE, Count, MakeApp
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers
from tests.tasks.files import counts, document, record, send

# Refused before a database is asked.
pytestmark = ONE_DATABASE

MILLION = 1_000_000
HEAD = b'{"format":"taskward","format_version":1,"tasks":['
TASK = HEAD + b'{"id":"00000000-0000-4000-8000-000000000001","title":"x",'

HOSTILE = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"format":"\xff"}',
    "UTF-16": json.dumps(document()).encode("utf-16"),
    "deep lists": b"[" * 500_000 + b"]" * 500_000,
    "deep lists that end nowhere": HEAD + b"[" * MILLION,
    "a deep task": HEAD + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]}",
    "a million tags": TASK + b'"tags":[' + b'"a",' * MILLION + b'"a"]}]}',
    "a million tasks that are none": HEAD + b"1," * MILLION + b"1]}",
    "many lists": HEAD + b"[]," * 250_000 + b"[]]}",
    "many fields": HEAD + b"{" + b",".join(b'"%x":1' % n for n in range(200_000)) + b"}]}",
    "many fields beside the tasks": b"{" + b",".join(b'"%x":1' % n for n in range(200_000)) + b"}",
    "a field twice": TASK + b'"title":1}]}',
    "a long title": TASK + b'"title":"' + b"x" * 2 * MILLION + b'"}]}',
    "a title of NUL": TASK + b'"title":"\\u0000"}]}',
    "marks to be put in order": TASK + b'"title":"' + ("\u0315" * 40_000 + "\u0300" * 40_000).encode() + b'"}]}',
    "half a character": TASK + b'"title":"\\ud800"}]}',
    "a huge whole number": TASK + b'"due_date":' + b"9" * 100_000 + b"}]}",
    "a huge number": TASK + b'"due_date":1e999999}]}',
    "no number": TASK + b'"due_date":NaN}]}',
    "a huge version": b'{"format":"taskward","format_version":' + b"9" * 5000 + b',"tasks":[]}',
    "too many bytes": b" " * (MAX_BYTES + 1),
}


@pytest.mark.proves("CVE-2026-35602")
@in_turn("name", HOSTILE)
def test_a_hostile_file_is_a_quick_4xx_that_changes_nothing(alice: Person, count: Count, name: str) -> None:
    started = time.thread_time()
    response = send(alice, HOSTILE[name])
    assert time.thread_time() - started < 5  # of computing: other tests may be running
    assert response.status_code in (400, 413, 422), response.text[:500]
    assert response.content_type == "application/problem+json"
    assert len(response.data) < 100_000
    assert count("tasks") == 0


@in_turn("kind", ["text/csv", "text/plain"])
@in_turn(
    "file",
    [
        b"\xff\xfe",
        b"title\r\n\0\r\n",
        b'title\r\n"x\0',
        b"title\r\n" + b"x" * MILLION,
        b"title\r\n" + b"," * MILLION,
        b"," * MILLION,
        b"title\r\n" + b"\x1b\r\n" * 30_000,
    ],
    ids=lambda file: repr(file[:20]),
)
def test_hostile_lines_are_a_4xx_that_changes_nothing(alice: Person, count: Count, kind: str, file: bytes) -> None:
    response = send(alice, file, kind)
    assert response.status_code in (400, 422), response.text[:500]
    assert count("tasks") == 0


@pytest.mark.proves("CVE-2026-35602")
def test_more_tasks_than_are_imported_at_once_are_refused(alice: Person, count: Count) -> None:
    file = json.dumps(document(*(record(number) for number in range(MAX_TASKS + 1))))
    assert pointers(send(alice, file)) == ["#/tasks"]
    assert count("tasks") == 0


def test_a_file_larger_than_other_bodies_may_be_is_imported(alice: Person) -> None:
    file = json.dumps(document(*(record(number, notes="n" * 20_000) for number in range(100))))
    assert len(file) > 2_000_000
    assert counts(send(alice, file)) == (100, 0, 0)
    assert alice.client.post("/api/auth/login", data=file, content_type="application/json").status_code == 413


def test_imports_and_exports_have_a_limit_of_their_own(make_app: MakeApp, alice: Person) -> None:
    client = make_app(RATE_LIMIT="40").test_client()
    for path, statuses in (("/import", [415, 415, 429]), ("/export", [429]), ("/tasks", [200])):
        method = "POST" if path == "/import" else "GET"
        answers = [client.open(alice.url(path), method=method, headers=alice.bearer()).status_code for _ in statuses]
        assert answers == statuses


def test_a_stranger_is_refused_before_the_file_is_looked_at(alice: Person, bob: Person) -> None:
    response = bob.call("POST", alice.url("/import"), data=b"x" * (MAX_BYTES + 1), content_type="application/json")
    assert response.status_code == 403
