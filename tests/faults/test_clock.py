"""A clock that was an hour fast and is set right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import time_machine
from flask import Flask

from tests.conftest import MakeApp
from tests.people import PASSWORD, make_person

NOW = datetime.now(UTC).replace(microsecond=0)
FAST = NOW + timedelta(hours=1)


def test_setting_the_clock_back_an_hour_stops_nothing_and_locks_nobody_out(app: Flask, make_app: MakeApp) -> None:
    with time_machine.travel(NOW - timedelta(minutes=5), tick=True):
        before = make_person(app, "before@example.org")
    with time_machine.travel(FAST, tick=True):
        during = make_person(app, "during@example.org")
        first = during.make_task(title="x")
        wrong = {"email": during.email, "password": "not the password"}
        refused = [during.client.post("/api/auth/login", json=wrong).status_code for _ in range(7)]
        assert refused[-1] == 429
    with time_machine.travel(NOW, tick=True):
        # Nobody is signed out, in this process or in another that sees the token for the first time.
        for person in (before, during):
            assert person.get("/api/me").status_code == 200
        assert make_app().test_client().get("/api/me", headers=during.bearer()).status_code == 200
        assert before.make_task(title="y")["rev"] == 1
        tokens = during.client.post("/api/auth/refresh", json={"refresh_token": during.refresh_token}).get_json()
        during = replace(during, access_token=tokens["access_token"])
        second = during.make_task(title="z")
        assert second["rev"] > first["rev"]
        changes = during.get("/tasks/changes?since=0").get_json()
        assert {task["id"] for task in changes["items"]} == {first["id"], second["id"]}
        # Who had to wait a second has waited it.
        right = {"email": during.email, "password": PASSWORD}
        assert during.client.post("/api/auth/login", json=right).status_code == 200
