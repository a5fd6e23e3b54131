"""Under gunicorn with two workers, on each database: what must hold across processes."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.auth.workers import call, refresh, sign_in
from tests.connections import wait_for_two_workers
from tests.people import PASSWORD, Person
from tests.servers import Server


@pytest.mark.proves("T16", "ASVS 10.4.5")
def test_eight_threads_presenting_one_refresh_token_get_one_successor(server: Server, alice: Person) -> None:
    token = sign_in(server, alice)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            answers = list(pool.map(lambda _, token=token: refresh(server, token), range(8)))
            assert {status for status, _ in answers} == {200}
            successors = {body["refresh_token"] for _, body in answers}
            assert len(successors) == 1
            assert token not in successors
            token = successors.pop()


@pytest.mark.proves("T16", "ASVS 10.4.5")
def test_a_refresh_token_two_behind_ends_that_sign_in_and_no_other(server: Server, alice: Person) -> None:
    victim, bystander = sign_in(server, alice), sign_in(server, alice)
    _, second = refresh(server, victim["refresh_token"])
    _, third = refresh(server, second["refresh_token"])
    assert refresh(server, victim["refresh_token"])[0] == 401
    for _ in range(6):
        assert call(server, "GET", "/api/me", third["access_token"])[0] == 401
        assert call(server, "GET", "/api/me", bystander["access_token"])[0] == 200
    assert refresh(server, third["refresh_token"])[0] == 401
    assert refresh(server, bystander["refresh_token"])[0] == 200


@pytest.mark.proves("V3", "ASVS 7.4.1")
def test_a_revoked_sign_in_is_refused_by_every_worker_on_the_next_request(server: Server, alice: Person) -> None:
    for _ in range(10):
        token = sign_in(server, alice)["access_token"]
        with ThreadPoolExecutor(8) as pool:
            # Every worker has verified the signature and may remember that.
            before = [pool.submit(call, server, "GET", "/api/me", token) for _ in range(8)]
            assert {each.result()[0] for each in before} == {200}
            assert call(server, "POST", "/api/auth/logout", token)[0] == 204
            after = [pool.submit(call, server, "GET", "/api/me", token) for _ in range(8)]
            assert {each.result()[0] for each in after} == {401}


def test_both_workers_take_part(server: Server, alice: Person) -> None:
    """Guards the tests above: with one worker they would prove nothing."""
    wait_for_two_workers(server)


@pytest.mark.proves("ASVS 16.2.5")
def test_nothing_secret_is_in_the_log(server: Server, alice: Person) -> None:
    pair = sign_in(server, alice)
    call(server, "POST", f"{alice.url('/tasks')}?x=QUERYSTRING", pair["access_token"], {"title": "SECRETTITLE"})
    call(server, "POST", "/api/auth/login", body={"email": "SECRETADDRESS@example.org", "password": "SECRETPASSWORD"})
    refresh(server, pair["refresh_token"])
    log = server.log.read_text()
    assert '"route":"/api/auth/refresh"' in log
    for secret in (pair["access_token"], pair["refresh_token"], PASSWORD, "QUERYSTRING", "SECRET"):
        assert secret not in log
    for line in log.splitlines():
        json.loads(line)
