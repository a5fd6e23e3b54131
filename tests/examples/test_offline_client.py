"""The offline client: two devices on a network that drops, repeats and reorders end with what the server has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from examples.offline_client import Device, main
from tests.conftest import ONE_DATABASE
from tests.people import PASSWORD, Person, make_person
from tests.servers import Server

FATES = ["arrives"] * 4 + ["is lost", "loses its answer", "arrives twice", "arrives late as well"]


class Network:
    """Carries requests of one person to the application, or does not, as it is told."""

    def __init__(self, person: Person, fate: Callable[[], str]) -> None:
        self.person, self.fate = person, fate
        self.late: list[Callable[[], Any]] = []

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        def deliver() -> tuple[int, Any]:
            named = headers | self.person.bearer()
            answer = self.person.client.open(self.person.url(path), method=method, json=body, headers=named)
            assert answer.status_code < 500
            return answer.status_code, answer.get_json()

        body = json.loads(json.dumps(body))
        match self.fate():
            case "is lost":
                raise ConnectionError
            case "loses its answer":
                deliver()
                raise TimeoutError
            case "arrives twice":
                deliver()
            case "arrives late as well":
                self.late.append(deliver)
        return deliver()

    def deliver_late(self) -> None:
        """Let what was held up arrive, the newest first; nobody waits for the answers any more."""
        while self.late:
            self.late.pop()()


class TwoDevices(RuleBasedStateMachine):
    app: Flask
    directory: Path
    number = 0

    @initialize()
    def meet(self) -> None:
        type(self).number += 1
        self.person = make_person(self.app, f"person{self.number}@example.org")
        self.fate = "arrives"
        self.network = Network(self.person, lambda: self.fate)
        files = [self.directory / f"{self.number}-{device}.json" for device in range(2)]
        self.files = files
        self.devices = [Device(file, self.network.send) for file in files]
        self.added: dict[str, str] = {}
        self.dropped: set[str] = set()

    def _pick(self, device: Device, index: int) -> dict[str, Any] | None:
        present = sorted(
            (task for task in device.tasks.values() if not task["deleted_at"]), key=lambda task: task["id"]
        )
        return present[index % len(present)] if present else None

    @rule(device=st.integers(0, 1), tag=st.sampled_from(["home", "work"]))
    def add(self, device: int, tag: str) -> None:
        title = f"Task {len(self.added)}"
        self.added[self.devices[device].add(title, tags=[tag])] = title

    @rule(device=st.integers(0, 1), index=st.integers(0, 20), done=st.booleans())
    def complete(self, device: int, index: int, done: bool) -> None:
        if task := self._pick(self.devices[device], index):
            self.devices[device].change(task["id"], completed=done)

    @rule(device=st.integers(0, 1), index=st.integers(0, 20), notes=st.text("ab é\n", max_size=5))
    def take_notes(self, device: int, index: int, notes: str) -> None:
        if task := self._pick(self.devices[device], index):
            self.devices[device].change(task["id"], notes=notes)

    @rule(device=st.integers(0, 1), index=st.integers(0, 20))
    def delete(self, device: int, index: int) -> None:
        if task := self._pick(self.devices[device], index):
            self.devices[device].delete(task["id"])
            if task["id"] not in self.devices[device].tasks:
                self.dropped.add(task["id"])  # before anybody else knew it

    @rule(device=st.integers(0, 1), fate=st.sampled_from(FATES))
    def synchronise(self, device: int, fate: str) -> None:
        self.fate = fate
        try:
            self.devices[device].sync()
        except OSError:
            assert fate in ("is lost", "loses its answer")
        finally:
            self.fate = "arrives"

    @rule()
    def what_was_late_arrives(self) -> None:
        self.network.deliver_late()

    @rule(device=st.integers(0, 1))
    def start_again(self, device: int) -> None:
        self.devices[device] = Device(self.files[device], self.network.send)

    def teardown(self) -> None:
        self.network.deliver_late()
        for device in (*self.devices, *self.devices):
            device.sync()
        self.network.deliver_late()
        there = {item["id"]: item for item in self._everything()}
        # None lost, none doubled, and both devices have what the server has.
        assert {task_id: item["title"] for task_id, item in there.items()} == {
            task_id: title for task_id, title in self.added.items() if task_id not in self.dropped
        }
        for device in self.devices:
            assert device.tasks == there

    def _everything(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for status in ("all", "trash"):
            cursor: dict[str, str] = {}
            while True:
                query = {"status": status, "limit": 200, **cursor}
                page = self.person.get("/tasks", query_string=query).get_json()
                items += page["items"]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
        return items


@ONE_DATABASE
def test_two_devices_end_with_the_same_tasks_as_the_server(app: Flask, tmp_path: Path) -> None:
    machine = type("Bound", (TwoDevices,), {"app": app, "directory": tmp_path})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    bounds = settings(
        max_examples=10, stateful_step_count=100, deadline=None, derandomize=True, suppress_health_check=checks
    )
    run_state_machine_as_test(machine, settings=bounds)


def test_a_device_that_was_away_for_too_long_reads_everything_again(app: Flask, alice: Person, tmp_path: Path) -> None:
    device = Device(tmp_path / "copy.json", Network(alice, lambda: "arrives").send)
    kept, gone = device.add("Kept"), device.add("Gone")
    device.sync()
    for suffix in ("", "?permanent=true"):
        alice.delete(f"/tasks/{gone}{suffix}")
    device.state["since"] = "99"  # as if this server's data had been restored from before
    device.sync()
    assert device.tasks.keys() == {kept}


def test_what_the_server_will_never_take_does_not_hold_up_the_rest(app: Flask, alice: Person, tmp_path: Path) -> None:
    device = Device(tmp_path / "copy.json", Network(alice, lambda: "arrives").send)
    for title in ("Good", "y" * 501, "Good, too"):
        device.add(title)
    device.sync()
    assert {item["title"] for item in alice.get("/tasks").get_json()["items"]} == {"Good", "Good, too"}


def test_more_than_is_taken_at_once_is_sent_in_pieces(
    app: Flask, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tasks.api._BATCH_BYTES", 2000)
    device = Device(tmp_path / "copy.json", Network(alice, lambda: "arrives").send)
    added = {device.add(f"Task {number}", notes="n" * 500) for number in range(9)}
    device.sync()
    assert {item["id"] for item in alice.get("/tasks").get_json()["items"]} == added


def test_the_program_works_against_a_real_server(
    server: Server, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "URL": server.url,
        "EMAIL": alice.email,
        "PASSWORD": PASSWORD,
        "FILE": str(tmp_path / "copy.json"),
    }.items():
        monkeypatch.setenv(f"TASKWARD_{name}", value)
    main("add", "Buy milk")
    task_id = capsys.readouterr().out.strip()
    main("done", task_id)
    main("sync")
    main("title", task_id, "Buy oat milk")
    main("sync")
    main("list")
    assert capsys.readouterr().out == f"{task_id} x Buy oat milk\n"
    assert alice.get(f"/tasks/{task_id}").get_json()["title"] == "Buy oat milk"
    main("find", "oat is:completed")
    assert capsys.readouterr().out == f"{task_id} x Buy oat milk\n"
    with pytest.raises(SystemExit, match="Position 1: there is no operator colour:"):
        main("find", "colour:red")
    main("delete", task_id)
    main("sync")
    main("list")
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit):
        main("explode")
