"""``flask maintenance run`` and the hourly run by itself: only what is over goes, nobody waits, one process does it."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select

from app.extensions import db
from app.models import BlockedToken, MaintenanceRun, Task, time_ordered_id, utcnow
from app.ops.maintenance import start
from app.services import maintenance, tasks
from tests.cli.conftest import Command
from tests.conftest import ONE_DATABASE, STRICT_DATABASE, Count, MakeApp
from tests.installations import Environment
from tests.people import Person
from tests.servers import start_server
from tests.tasks.planting import plant


def deleted(flask: Command, options: str = "") -> dict[str, int]:
    """Return what a run deletes, but not the zeros."""
    found: dict[str, int] = json.loads(flask(f"maintenance run --json {options}").stdout)
    return {kind: number for kind, number in found.items() if number}


def after(**time: float) -> "time_machine.travel":
    return time_machine.travel(datetime.now(UTC) + timedelta(**time))


def synced(person: Person, since: str | None = None) -> tuple[list[dict[str, Any]], str]:
    answer = person.get(f"/tasks/changes?since={since}" if since else "/tasks/changes").get_json()
    return answer["items"], answer["next"]


def trashed(app: Flask, person: Person, number: int, since: datetime) -> list[str]:
    return plant(app, person.id, number, lambda _: {"deleted_at": since})


def expire_tokens(app: Flask, number: int, when: datetime | None = None) -> None:
    when = when or utcnow() - timedelta(days=1)
    with app.app_context():
        db.session.execute(
            insert(BlockedToken), [{"jti": f"{when}{each}", "expires_at": when} for each in range(number)]
        )
        db.session.commit()


def test_each_kind_goes_when_its_time_is_over_and_not_before(flask: Command, alice: Person) -> None:
    task = alice.make_task()
    alice.client.post(alice.url("/tasks"), json={"title": "Once"}, headers=alice.bearer() | {"Idempotency-Key": "one"})
    alice.delete(f"/tasks/{task['id']}")
    alice.client.post("/oauth/revoke", data={"token": alice.another_sign_in().access_token})
    alice.client.post("/api/auth/login", json={"email": alice.email, "password": "wrong"})
    events = len(json.loads(flask("events list --json").stdout)["items"])
    assert deleted(flask) == {}
    with after(minutes=17):
        assert deleted(flask) == {"blocked_tokens": 1}
    with after(hours=25):
        assert deleted(flask, "--dry-run") == {"idempotency_keys": 1, "login_throttles": 3}
        assert deleted(flask) == {"idempotency_keys": 1, "login_throttles": 3}
    with after(days=29):
        assert deleted(flask) == {}
    with after(days=31):
        assert deleted(flask) == {"trashed_tasks": 1}
    with after(days=61):
        assert deleted(flask) == {"sessions": 2}
    with after(days=120):
        assert deleted(flask) == {}
    with after(days=122):
        assert deleted(flask) == {"deleted_tasks": 1}
    with after(days=364):
        assert deleted(flask) == {}
    with after(days=366):
        assert deleted(flask) == {"security_events": events}
        assert deleted(flask) == {}


def test_a_keep_of_zero_is_for_ever(make_app: MakeApp, alice: Person, count: Count) -> None:
    app = make_app(TRASH_KEEP_DAYS="0", EVENTS_KEEP_DAYS="0")
    trashed(app, alice, 1, utcnow())
    alice.client.post("/api/auth/login", json={"email": alice.email, "password": "wrong"})
    with after(days=3000), app.app_context():
        maintenance.run()
    assert count("tasks") == 1
    assert count("security_events") > 0


def test_devices_learn_that_trash_was_emptied_as_of_any_other_deletion(
    flask: Command, app: Flask, alice: Person, bob: Person
) -> None:
    gone = trashed(app, alice, 3, utcnow() - timedelta(days=31))
    kept, theirs = alice.make_task(title="Kept"), bob.make_task()
    _, token = synced(alice)
    rev_of_bob = synced(bob)[1]
    assert deleted(flask) == {"trashed_tasks": 3}
    items, _ = synced(alice, token)
    assert {item["id"] for item in items} == set(gone)
    assert all(item.keys() == {"id", "deleted", "rev"} or item.get("deleted") for item in items)
    assert [task["id"] for task in alice.get("/tasks?status=all").get_json()["items"]] == [kept["id"]]
    assert synced(bob) == ([theirs], rev_of_bob)


def test_what_is_restored_while_the_trash_is_emptied_stays(app: Flask, alice: Person) -> None:
    [task] = trashed(app, alice, 1, utcnow() - timedelta(days=31))
    with app.app_context():
        tasks.restore(UUID(alice.id), UUID(task))
        assert tasks.delete_trashed(UUID(alice.id), [UUID(task)], Task.deleted_at < utcnow()) == 0
        db.session.commit()
    assert alice.get(f"/tasks/{task}").status_code == 200


def test_a_person_who_is_deleted_meanwhile_stops_nothing(app: Flask) -> None:
    with app.app_context():
        nobody = time_ordered_id()
        assert tasks.delete_trashed(nobody, [nobody], Task.deleted_at < utcnow()) == 0


@STRICT_DATABASE
def test_a_row_that_somebody_holds_is_left_for_the_next_run(flask: Command, app: Flask) -> None:
    expire_tokens(app, 3)
    with app.app_context(), db.engine.begin() as somebody:
        somebody.execute(select(BlockedToken.jti).limit(1).with_for_update())
        assert deleted(flask) == {"blocked_tokens": 2}
    assert deleted(flask) == {"blocked_tokens": 1}


@ONE_DATABASE  # the one where there is one writer at a time
def test_nobody_waits_while_very_many_rows_are_deleted(app: Flask, alice: Person, count: Count) -> None:
    expired = utcnow() - timedelta(days=1)
    with app.app_context():
        for start in range(0, 50_000, 5000):
            tokens = [{"jti": f"{number}", "expires_at": expired} for number in range(start, start + 5000)]
            db.session.execute(insert(BlockedToken), tokens)
            db.session.commit()

    def purge() -> None:
        with app.app_context():
            maintenance.run(["blocked_tokens"])

    purging = threading.Thread(target=purge)
    purging.start()
    waits = []
    with app.app_context():
        while purging.is_alive():
            started = time.monotonic()
            tasks.create(UUID(alice.id), {"title": "Milk"})
            waits.append(time.monotonic() - started)
            time.sleep(0.05)
    purging.join()
    assert count("blocked_tokens") == 0
    # One write in a hundred may have waited for a processor that other programs keep busy.
    assert len(waits) > 10
    assert sorted(waits)[-1 - len(waits) // 100] < 0.5


def test_of_many_processes_one_does_the_hour(app: Flask, make_app: MakeApp) -> None:
    machines, results, ready = [make_app() for _ in range(4)], [], threading.Barrier(4)

    def ask(machine: Flask) -> None:
        with machine.app_context():
            ready.wait()
            results.append(maintenance.run_if_due())

    def hour() -> int:
        results.clear()
        threads = [threading.Thread(target=ask, args=[machine]) for machine in machines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(result is not None for result in results)

    assert [hour(), hour()] == [1, 0]
    with app.app_context():
        # As after a run that was killed half-way, an hour ago.
        db.session.query(MaintenanceRun).update({"started_at": utcnow() - timedelta(hours=1, seconds=1)})
        db.session.commit()
    assert [hour(), hour()] == [1, 0]
    with app.app_context():
        # As after a run by a clock that was a year fast.
        db.session.query(MaintenanceRun).update({"started_at": utcnow() + timedelta(days=365)})
        db.session.commit()
    assert [hour(), hour()] == [1, 0]


def _until(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    return done()


@ONE_DATABASE
def test_a_failed_hour_is_no_end(make_app: MakeApp, count: Count, capfd: pytest.CaptureFixture[str]) -> None:
    app = make_app(MAINTENANCE="1")
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE maintenance_runs RENAME TO away")
    over = start(app, every=0.02)
    try:
        logged = ""
        while "maintenance failed" not in logged:
            time.sleep(0.02)
            logged += capfd.readouterr().err
        assert "no such table: maintenance_runs" in logged
        expire_tokens(app, 1)  # before it is done again, which may be at once and then is not for an hour
        with app.app_context(), db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO maintenance_runs")
        assert _until(lambda: count("blocked_tokens") == 0)
    finally:
        over.set()
        # What it has in hand would otherwise come back to a pool that is closed already, and stay open.
        for thread in threading.enumerate():
            if thread.name == "maintenance":
                thread.join()


@ONE_DATABASE
def test_the_server_does_it_by_itself_unless_told_not_to(
    app: Flask, make_app: MakeApp, environment: Environment, count: Count, tmp_path: Path
) -> None:
    expire_tokens(app, 600)
    start(make_app(MAINTENANCE="0"), every=0.01)
    time.sleep(0.2)
    assert count("blocked_tokens") == 600
    with closing(start_server(environment | {"MAINTENANCE": "1"}, tmp_path / "log")) as servers:
        server = next(servers)
        assert _until(lambda: count("blocked_tokens") == 0)
        assert _until(lambda: '"event":"maintenance"' in server.log.read_text())
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["blocked_tokens"] for line in lines if line["event"] == "maintenance"] == [600]
