"""JSON: several operations at once, all or none."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Count
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers

NOBODY = "6f1c1f4e-8c39-4d3f-9a59-3a8f2f2f9a10"


def batch(person: Person, *operations: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"operations": list(operations)}
    return person.client.post(person.url("/tasks/batch"), json=body, headers=person.bearer() | named)


def create(title: str = "Buy milk", **fields: Any) -> dict[str, Any]:
    return {"op": "create", "task": {"title": title, **fields}}


def test_operations_are_carried_out_in_order_and_share_a_revision(alice: Person) -> None:
    old, gone, back = (alice.make_task(title=f"Task {n}", tags=["x"]) for n in range(3))
    alice.delete(f"/tasks/{back['id']}")
    chosen = str(uuid4())
    answer = batch(
        alice,
        create("New", tags=["home"]),
        {"op": "put", "id": chosen, "task": {"title": "Chosen"}},
        {"op": "update", "id": chosen, "changes": {"completed": True}},
        {"op": "update", "id": old["id"], "changes": {"title": "Changed"}, "rev": old["rev"]},
        {"op": "delete", "id": gone["id"]},
        {"op": "restore", "id": back["id"]},
    )
    assert answer.status_code == 200, answer.text
    items = answer.get_json()["items"]
    assert [item["title"] for item in items] == ["New", "Chosen", "Chosen", "Changed", "Task 1", "Task 2"]
    assert {item["rev"] for item in items} == {5}
    assert [item["completed"] for item in items[1:3]] == [True, True]
    assert items[4]["deleted_at"]
    assert not items[5]["deleted_at"]
    for item in items:
        assert alice.get(f"/tasks/{item['id']}").get_json() == item


@pytest.mark.parametrize(
    ("last", "status", "places"),
    [
        ({"op": "update", "id": NOBODY, "changes": {"title": "x"}}, 404, []),
        ({"op": "delete", "id": NOBODY}, 404, []),
        ({"op": "restore", "id": NOBODY}, 404, []),
        (create(due_time="14:30"), 422, ["#/operations/2/task/due_time"]),
        (create(title="x" * 501), 422, ["#/operations/2/task/title"]),
        (
            {"op": "put", "id": NOBODY, "task": {"title": "x", "due_time": "14:30"}},
            422,
            ["#/operations/2/task/due_time"],
        ),
        ({"op": "update", "id": NOBODY, "changes": {"title": ""}}, 422, ["#/operations/2/changes/title"]),
    ],
)
def test_one_that_fails_undoes_all_and_is_named(
    alice: Person, count: Count, last: Any, status: int, places: list[str]
) -> None:
    task = alice.make_task()
    change = {"op": "update", "id": task["id"], "changes": {"title": "Changed", "tags": ["new"]}}
    answer = batch(alice, create(), change, last)
    assert answer.status_code == status
    assert answer.get_json()["operation"] == 2
    if places:
        assert pointers(answer) == places
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    assert count("tasks") == 1
    assert count("task_tags") == 0
    assert alice.make_task()["rev"] == task["rev"] + 1


def test_one_meant_for_another_version_is_412_with_the_present_one(alice: Person) -> None:
    task = alice.make_task()
    answer = batch(alice, create(), {"op": "delete", "id": task["id"], "rev": task["rev"] + 1})
    assert answer.status_code == 412
    assert answer.get_json()["operation"] == 1
    assert answer.get_json()["current"] == task


def test_an_operation_may_use_what_one_before_it_made(alice: Person) -> None:
    chosen = str(uuid4())
    put = {"op": "put", "id": chosen, "task": {"title": "Chosen"}}
    assert batch(alice, put, {"op": "delete", "id": chosen}, {"op": "restore", "id": chosen}).status_code == 200
    assert alice.get(f"/tasks/{chosen}").get_json()["deleted_at"] is None


@in_turn(
    "operation",
    [
        {},
        {"op": "explode"},
        {"op": "create"},
        {"op": "create", "task": {}},
        {"op": "create", "task": {"title": "x"}, "id": NOBODY},
        {"op": "update", "id": "1", "changes": {}},
        {"op": "update", "changes": {}},
        {"op": "delete", "id": NOBODY, "rev": "1"},
        {"op": "delete", "id": NOBODY, "rev": True},
        {"op": ["delete"]},
        [],
        None,
        "delete",
    ],
    ids=str,
)
def test_what_is_no_operation_is_422_at_its_place(alice: Person, count: Count, operation: Any) -> None:
    answer = batch(alice, create(), operation, create(title=""))
    (place, *_) = pointers(answer)
    assert place.startswith("#/operations/1")
    assert answer.get_json()["operation"] == 1
    for kind in ("create", "put", "update", "delete", "restore"):
        assert f"/{kind}" not in place
    assert count("tasks") == 0


@pytest.mark.parametrize("number", [0, 101])
def test_it_takes_1_to_100_operations(alice: Person, number: int) -> None:
    assert pointers(batch(alice, *[create()] * number)) == ["#/operations"]
    assert len(batch(alice, *[create()] * 100).get_json()["items"]) == 100


def test_it_takes_a_hundred_tasks_with_long_notes(alice: Person, count: Count) -> None:
    assert batch(alice, *[create(notes="n" * 20_000)] * 100).status_code == 200
    assert batch(alice, *[create(notes="n" * 90_000)] * 100).status_code == 413
    assert count("tasks") == 100


def test_a_repeated_batch_is_done_once(alice: Person, count: Count) -> None:
    operations = [create("One"), create("Two")]
    first = batch(alice, *operations, Idempotency_Key="key")
    again = batch(alice, *operations, Idempotency_Key="key")
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count("tasks") == 2


def test_one_that_changes_nothing_leaves_every_list_unchanged(alice: Person) -> None:
    task = alice.make_task(completed=True)
    tag = alice.get("/tasks").headers["ETag"]
    assert batch(alice, {"op": "update", "id": task["id"], "changes": {"completed": True}}).get_json() == {
        "items": [task]
    }
    assert alice.get("/tasks").headers["ETag"] == tag
    assert batch(alice, create(), {"op": "delete", "id": task["id"]}).status_code == 200
    assert alice.get("/tasks").headers["ETag"] != tag


def test_somebody_elses_task_is_none(alice: Person, bob: Person) -> None:
    theirs = bob.make_task()
    for op, more in (("update", {"changes": {"title": "x"}}), ("delete", {}), ("restore", {})):
        assert batch(alice, {"op": op, "id": theirs["id"], **more}).status_code == 404
    assert bob.get(f"/tasks/{theirs['id']}").get_json() == theirs


def test_an_operation_more_is_two_statements_more(alice: Person, statements: list[str]) -> None:
    ids = [alice.make_task(title=f"Task {n}")["id"] for n in range(20)]

    def cost(number: int) -> int:
        statements.clear()
        changes = {"notes": f"of {number}"}
        answer = batch(alice, *({"op": "update", "id": task_id, "changes": changes} for task_id in ids[:number]))
        assert [item["notes"] for item in answer.get_json()["items"]] == [f"of {number}"] * number
        return len(statements)

    assert (cost(20) - cost(10)) / 10 == 2
