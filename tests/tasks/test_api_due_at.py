"""JSON: the instant of a due time, in the person's zone; where clocks are changed and days are rare."""

import pytest

from tests.people import Person
from tests.problems import pointers


@pytest.mark.parametrize(
    ("zone", "day", "time", "instant"),
    [
        ("UTC", "2026-11-30", "14:30", "2026-11-30T14:30:00Z"),
        ("Europe/Berlin", "2026-10-24", "06:45", "2026-10-24T04:45:00Z"),
        ("Europe/Berlin", "2026-10-26", "06:45", "2026-10-26T05:45:00Z"),
        pytest.param("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z", id="an hour that comes twice"),
        pytest.param("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30:00Z", id="an hour that is skipped"),
        ("Pacific/Kiritimati", "2026-11-30", "00:00", "2026-11-29T10:00:00Z"),
        ("Pacific/Pago_Pago", "2026-11-30", "23:59", "2026-12-01T10:59:00Z"),
        ("Asia/Kathmandu", "2028-02-29", "12:00", "2028-02-29T06:15:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45:00Z"),
        ("Pacific/Kiritimati", "1900-01-01", "00:00", "1900-01-01T10:29:20Z"),
        ("Pacific/Pago_Pago", "9998-12-31", "23:59", "9999-01-01T10:59:00Z"),
    ],
)
def test_due_at_is_the_instant_in_the_persons_zone(alice: Person, zone: str, day: str, time: str, instant: str) -> None:
    alice.patch(json={"timezone": zone})
    task = alice.make_task(due_date=day, due_time=time)
    assert (task["due_date"], task["due_time"], task["due_at"]) == (day, time, instant)
    assert alice.get(f"/tasks/{task['id']}").get_json() == task
    assert alice.get("/tasks").get_json()["items"] == [task]


def test_a_day_is_no_instant(alice: Person) -> None:
    assert alice.make_task(due_date="2026-11-30")["due_at"] is None
    assert alice.make_task()["due_at"] is None


def test_the_instant_is_read_only(alice: Person) -> None:
    refused = alice.post("/tasks", {"title": "x", "due_at": "2026-11-30T14:30:00Z"})
    assert pointers(refused) == ["#/due_at"]


@pytest.mark.parametrize("day", ["2027-02-29", "2100-02-29", "2026-04-31"])
def test_a_day_that_the_calendar_lacks_is_422(alice: Person, day: str) -> None:
    assert pointers(alice.post("/tasks", {"title": "x", "due_date": day})) == ["#/due_date"]


def test_another_zone_moves_the_instants_and_tells_every_device(alice: Person) -> None:
    timed, dated, plain = (
        alice.make_task(**due)
        for due in ({"due_date": "2026-11-30", "due_time": "14:30"}, {"due_date": "2026-11-30"}, {})
    )
    trashed = alice.make_task(due_date="2026-11-30", due_time="09:00")
    alice.delete(f"/tasks/{trashed['id']}")
    alice.patch(json={"timezone": "Asia/Tokyo"})
    moved = alice.get(f"/tasks/{timed['id']}").get_json()
    assert moved == timed | {"due_at": "2026-11-30T05:30:00Z", "rev": 6}
    changed = alice.get("/tasks/changes?since=5").get_json()["items"]
    assert {item["id"] for item in changed} == {timed["id"], trashed["id"]}
    for task in (dated, plain):
        assert alice.get(f"/tasks/{task['id']}").get_json() == task
    alice.patch(json={"timezone": "Asia/Tokyo", "name": "Alice"})
    assert alice.get(f"/tasks/{timed['id']}").get_json() == moved
