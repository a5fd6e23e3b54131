"""What Prometheus is told, by whom it may be asked, and that no label names anybody."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
import yaml
from flask import Flask

from tests.conftest import ONE_DATABASE, MakeApp
from tests.ops.samples import BEARER, TOKEN, Samples, samples, value
from tests.people import PASSWORD, Person
from tests.programs import ROOT
from tests.tasks.plans import plan, recorded, searches

DEPLOY = ROOT / "deploy"
Value = Callable[..., float]


@pytest.fixture
def watched(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with a METRICS_TOKEN."""
    monkeypatch.setitem(app.config, "METRICS_TOKEN", TOKEN)
    return app


def scrape(app: Flask) -> Samples:
    response = app.test_client().get("/metrics", headers=BEARER)
    assert response.status_code == 200
    return samples(response.text)


@pytest.fixture
def grown(watched: Flask) -> Value:
    """Tell by how much a sample has grown since the test began."""
    before = scrape(watched)
    return lambda name, **labels: value(scrape(watched), name, **labels) - value(before, name, **labels)


@ONE_DATABASE
@pytest.mark.proves("ASVS 13.4.5")
def test_without_a_setting_there_is_nothing_for_anybody(app: Flask) -> None:
    client = app.test_client()
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        found = [client.open(path, method=method, headers=BEARER) for path in ("/metrics", "/metrics/nothing")]
        assert [each.status_code for each in found] == [404, 404], method
        first, second = (re.sub(r'"(request_id|instance)":"[^"]*"', "", each.text) for each in found)
        assert first == second


@ONE_DATABASE
@pytest.mark.proves("ASVS 13.4.5")
def test_only_the_token_opens_them(watched: Flask, alice: Person) -> None:
    client = watched.test_client()
    refused = client.get("/metrics")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="taskward"')
    for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "", alice.access_token):
        refused = client.get("/metrics", headers={"Authorization": f"Bearer {wrong}"})
        assert refused.status_code == 401, wrong
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="taskward", error="invalid_token"'
    assert client.get("/metrics", query_string={"access_token": TOKEN}).status_code == 401
    answer = client.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "Set-Cookie" not in answer.headers
    assert client.post("/metrics", headers=BEARER).status_code == 405


def test_live_sign_ins_are_asked_for_in_one_statement_that_has_an_index(
    watched: Flask, alice: Person, bob: Person
) -> None:
    alice.another_sign_in().post("/api/auth/logout")
    with recorded(watched) as sent:
        found = scrape(watched)
    assert value(found, "taskward_live_sign_ins") == 2
    assert value(found, "taskward_database_up") == 1
    [(statement, parameters)] = sent
    with watched.app_context():
        lines = plan(watched, statement, parameters)
    if "sqlite" in watched.config["SQLALCHEMY_DATABASE_URI"]:  # PostgreSQL reads so small a table as a whole
        assert searches(lines, "sign_ins") == ["SEARCH sign_ins USING INDEX ix_sign_ins_expires_at (expires_at>?)"]


@ONE_DATABASE
def test_a_database_that_is_away_takes_nothing_else_with_it(make_app: MakeApp) -> None:
    app = make_app(DATABASE_URL="postgresql://someone:sekrit@127.0.0.1:1/none", METRICS_TOKEN=TOKEN)
    found = scrape(app)
    assert value(found, "taskward_database_up") == 0
    assert "taskward_live_sign_ins" not in {name for name, _ in found}
    assert "taskward_sign_ins_total" in {name for name, _ in found}


def test_sign_ins_refreshes_and_refusals_are_counted_by_outcome(
    watched: Flask, alice: Person, grown: Value, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = watched.test_client()

    def refresh(token: str) -> Any:
        return client.post("/api/auth/refresh", json={"refresh_token": token}).get_json()

    for password in (PASSWORD, *["wrong " * 3] * 6):
        client.post("/api/auth/login", json={"email": alice.email, "password": password})
    second = refresh(alice.refresh_token)["refresh_token"]
    refresh(alice.refresh_token)
    refresh(second)
    refresh(alice.refresh_token)  # two behind
    refresh(second)  # of a sign-in that was ended for it
    refresh("nonsense")
    outcomes = {
        name: grown("taskward_refreshes_total", outcome=name) for name in ("rotated", "grace", "reuse", "refused")
    }
    assert outcomes == {"rotated": 2, "grace": 1, "reuse": 1, "refused": 2}
    assert grown("taskward_sign_ins_total", outcome="succeeded") == 1
    assert grown("taskward_sign_ins_total", outcome="refused") == 5
    assert grown("taskward_throttled_total", limit="guesses by account and network") == 1
    assert grown("taskward_security_events_total", event="authn_token_reuse") == 1


@ONE_DATABASE
def test_requests_over_the_limit_are_counted_by_limit(make_app: MakeApp) -> None:
    app = make_app(RATE_LIMIT="20", METRICS_TOKEN=TOKEN)
    before = value(scrape(app), "taskward_throttled_total", limit="refresh")
    statuses = [app.test_client().post("/api/auth/refresh", json={}).status_code for _ in range(13)]
    refused = statuses.count(429)
    assert refused > 0
    assert value(scrape(app), "taskward_throttled_total", limit="refresh") - before == refused


@pytest.mark.proves("ASVS 16.2.5")
def test_no_label_names_a_person_a_row_or_a_path(watched: Flask, alice: Person, grown: Value) -> None:
    task = alice.make_task(title="Visit Atlantis")
    alice.get(f"/tasks/{task['id']}")
    client = watched.test_client()
    client.get("/nowhere/atlantis")
    client.open("/atlantis", method="ATLANTIS")
    assert grown("taskward_http_requests_total", method="GET", route="none", status="404") == 1
    assert grown("taskward_http_requests_total", method="other", route="none", status="404") == 1
    route = "/api/users/<uuid:user_id>/tasks/<uuid:task_id>"
    assert grown("taskward_http_requests_total", method="GET", route=route, status="200") == 1
    assert grown("taskward_http_request_duration_seconds_count", route=route) == 1
    text = client.get("/metrics", headers=BEARER).text
    for secret in (alice.id, alice.email, task["id"], "tlantis", "ATLANTIS", "127.0.0.1", TOKEN):
        assert secret not in text


def test_a_connection_that_is_closed_after_use_is_not_in_use(make_app: MakeApp, alice: Person) -> None:
    app, name = make_app(METRICS_TOKEN=TOKEN), "taskward_database_connections_in_use"
    found = []
    for minutes in (2, 4, 6):  # when a sign-in was last seen is written once a minute, on SQLite in such a connection
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            assert app.test_client().get(alice.url("/tasks"), headers=alice.bearer()).status_code == 200
        found.append([value(scrape(app), name, pool=pool) for pool in ("read", "write")])
    assert found[0] == found[1] == found[2]


@ONE_DATABASE
def test_dashboard_and_alerts_name_only_what_there_is(watched: Flask) -> None:
    client = watched.test_client()
    client.get("/healthz")
    there = {name for name, _ in scrape(watched)}
    declared = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics", headers=BEARER).text, re.MULTILINE))
    dashboard = orjson.loads((DEPLOY / "grafana-dashboard.json").read_bytes())
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    scraping = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alarms = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    assert (len(shown) > 12, len(alarms)) == (True, 2)
    for expression in shown + alarms:
        named = set(re.findall(r"\btaskward_\w+", expression))
        # What was never counted in this process has a type, and no sample yet.
        assert named, expression
        assert named <= there | declared, expression
        assert expression.count("(") == expression.count(")")
        assert 'job="taskward"' in expression
    assert scraping["rule_files"] == ["alerts.yml"]
    assert [each["job_name"] for each in scraping["scrape_configs"]] == ["taskward"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
