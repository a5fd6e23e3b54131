"""The whole life of tokens against a model of a page: whatever happens in whatever order, each token ever issued is
accepted or refused as the model says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from werkzeug.test import TestResponse

from tests.auth.modelled import ABSOLUTE, ACCESS, GRACE, IDLE, LEEWAY, Modelled
from tests.people import PASSWORD, Person, make_person, signed_in

#: Sign-ins looked at at a time.
MOST = 4
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
JUMPS = (timedelta(seconds=1), GRACE - timedelta(milliseconds=1), GRACE, ACCESS - timedelta(seconds=1), ACCESS + LEEWAY)


class SignIns(RuleBasedStateMachine):
    """One person, a few sign-ins, and the clock."""

    app: Flask

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.now = self.clock.start()
        self.person = make_person(self.app, f"{uuid4()}@example.org")
        self.password, self.enabled, self.changes = PASSWORD, True, 0
        self.sign_ins: list[Modelled] = []
        self._keep(self.person)

    def teardown(self) -> None:
        self.clock.stop()

    @property
    def time(self) -> datetime:
        return datetime.now(UTC)

    def _pick(self, index: int) -> Modelled:
        """Return mostly one that is alive: what is dead is tried after every step anyway."""
        alive = [each for each in self.sign_ins if each.alive(self.time)]
        if index and not alive and self.enabled:
            return self._another()
        choice = alive if index and alive else self.sign_ins
        return choice[index % len(choice)]

    def _json(self, path: str, body: dict[str, str]) -> TestResponse:
        return self.app.test_client(use_cookies=False).post(path, json=body)

    def _refresh(self, sign_in: Modelled, back: int) -> TestResponse:
        return self._json("/api/auth/refresh", {"refresh_token": sign_in.tokens[-1 - back].refresh_token})

    def _answered(self, sign_in: Modelled, response: TestResponse) -> None:
        body = response.get_json()
        successor = Person(self.app, self.person.id, "", body["access_token"], body["refresh_token"])
        if successor.refresh_token == sign_in.tokens[-1].refresh_token:
            assert successor.access_token == sign_in.tokens[-1].access_token
            return
        sign_in.tokens.append(successor)
        sign_in.rotated = self.time
        sign_in.issued.append(self.time)

    def _another(self) -> Modelled:
        return self._keep(signed_in(self.app, self.person.email))

    def _keep(self, tokens: Person) -> Modelled:
        self.sign_ins.append(Modelled(self.time, [tokens], self.time, issued=[self.time]))
        dead = [each for each in self.sign_ins if not each.alive(self.time)]
        if len(self.sign_ins) > MOST and dead:
            self.sign_ins.remove(dead[0])  # tried often enough since it ended
        return self.sign_ins[-1]

    def _end_all(self, but: Modelled | None = None) -> None:
        for each in self.sign_ins:
            each.ended |= each is not but and each.alive(self.time)

    @rule()
    @precondition(lambda self: sum(each.alive(self.time) for each in self.sign_ins) < MOST)
    def sign_in(self) -> None:
        response = self._json("/api/auth/login", {"email": self.person.email, "password": self.password})
        assert response.status_code == (200 if self.enabled else 401)
        if self.enabled:
            body = response.get_json()
            tokens = Person(self.app, self.person.id, "", body["access_token"], body["refresh_token"])
            self._keep(tokens)

    @rule(index=st.integers(0, 3), back=st.sampled_from([0, 0, 0, 1, 1, 2]))
    def refresh(self, index: int, back: int) -> None:
        self._refresh_and_check(self._pick(index), back)

    def _refresh_and_check(self, sign_in: Modelled, back: int) -> None:
        back = min(back, len(sign_in.tokens) - 1)
        heard = sign_in.alive(self.time)
        repeat = back == 1 and self.time < sign_in.rotated + GRACE
        response = self._refresh(sign_in, back)
        if heard and (back == 0 or repeat):
            assert response.status_code == 200
            before = len(sign_in.tokens)
            self._answered(sign_in, response)
            assert len(sign_in.tokens) - before == (1 if back == 0 else 0)
        else:
            assert response.status_code == 401
            # A token that has expired by itself says nothing about a thief.
            sign_in.ended |= heard and self._unexpired(sign_in, back)

    def _unexpired(self, sign_in: Modelled, back: int) -> bool:
        issued = sign_in.issued[len(sign_in.tokens) - 1 - back]
        return self.time < min(issued + IDLE, sign_in.started + ABSOLUTE) + LEEWAY

    @rule(index=st.integers(0, 3))
    def refresh_at_once_in_three_threads(self, index: int) -> None:
        sign_in = self._pick(index)
        heard = sign_in.alive(self.time)
        token = {"refresh_token": sign_in.tokens[-1].refresh_token}
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: self._json("/api/auth/refresh", token), range(3)))
        assert {answer.status_code for answer in answers} == {200 if heard else 401}
        for answer in answers if heard else ():
            self._answered(sign_in, answer)

    @rule(index=st.integers(0, 3), back=st.integers(0, 2))
    def revoke_a_refresh_token(self, index: int, back: int) -> None:
        sign_in = self._pick(index)
        back = min(back, len(sign_in.tokens) - 1)
        token = sign_in.tokens[-1 - back].refresh_token
        assert self.app.test_client().post("/oauth/revoke", data={"token": token}).status_code == 200
        sign_in.ended |= sign_in.alive(self.time) and self._unexpired(sign_in, back)

    @rule(index=st.integers(0, 3), back=st.integers(0, 1))
    def revoke_an_access_token(self, index: int, back: int) -> None:
        sign_in = self._pick(index)
        number = max(0, len(sign_in.tokens) - 1 - back)
        token = sign_in.tokens[number].access_token
        assert self.app.test_client().post("/oauth/revoke", data={"token": token}).status_code == 200
        if sign_in.accepts(number, self.time):
            sign_in.blocked.add(number)

    @rule(index=st.integers(0, 3))
    def sign_out(self, index: int) -> None:
        sign_in = self._pick(index)
        good = sign_in.accepts(len(sign_in.tokens) - 1, self.time)
        assert sign_in.tokens[-1].post("/api/auth/logout").status_code == (204 if good else 401)
        sign_in.ended |= good

    @rule(index=st.integers(0, 3))
    @precondition(lambda self: self.enabled)
    def end_one_from_another_device(self, index: int) -> None:
        sign_in, helper = self._pick(index), self._another()
        sid = jwt.decode(sign_in.tokens[0].access_token, options={"verify_signature": False})["sid"]
        alive = sign_in.alive(self.time)
        assert helper.tokens[0].delete(f"/sessions/{sid}").status_code == (204 if alive else 404)
        sign_in.ended |= alive

    @rule()
    @precondition(lambda self: self.enabled and self.changes < 2)  # hashing takes longer than all the rest
    def change_the_password(self) -> None:
        self.changes += 1
        helper, new = self._another(), f"{PASSWORD} {uuid4()}"
        body = {"current_password": self.password, "new_password": new}
        assert helper.tokens[0].put("/password", body).status_code == 204
        self.password = new
        self._end_all(but=helper)

    @rule()
    def disable_or_enable(self) -> None:
        verb = "disable" if self.enabled else "enable"
        assert self.app.test_cli_runner().invoke(args=["users", verb, self.person.id]).exit_code == 0
        if self.enabled:
            self._end_all()
        self.enabled = not self.enabled

    @rule(jump=st.sampled_from(JUMPS))
    def wait(self, jump: timedelta) -> None:
        self.now.shift(jump)

    @rule(index=st.integers(0, 3))
    def leave_idle(self, index: int) -> None:
        self._refresh_and_check(self._pick(index), 0)
        self.now.shift(IDLE)

    @rule(index=st.integers(0, 3), jump=st.sampled_from(JUMPS))
    def repeat_the_last_refresh_later(self, index: int, jump: timedelta) -> None:
        sign_in = self._pick(index)
        self._refresh_and_check(sign_in, 0)
        self.now.shift(jump)
        self._refresh_and_check(sign_in, 1)

    @rule(index=st.integers(0, 3))
    def replay_a_token_two_behind(self, index: int) -> None:
        sign_in = self._pick(index)
        for back in (0, 0, 2):
            self._refresh_and_check(sign_in, back)

    @rule(index=st.integers(0, 3))
    def keep_refreshing_until_the_absolute_end(self, index: int) -> None:
        sign_in = self._pick(index)
        while sign_in.alive(self.time):
            left = sign_in.started + ABSOLUTE - self.time
            self._refresh_and_check(sign_in, 0)
            self.now.shift(min(left, timedelta(days=29)))

    @invariant()
    def every_access_token_ever_issued_is_as_the_model_says(self) -> None:
        for sign_in in self.sign_ins:
            for number, tokens in enumerate(sign_in.tokens):
                expected = 200 if sign_in.accepts(number, self.time) else 401
                assert tokens.get("/api/me").status_code == expected

    @invariant()
    def every_refresh_token_that_can_be_tried_without_harm_is_as_the_model_says(self) -> None:
        for sign_in in self.sign_ins:
            if not sign_in.alive(self.time):
                assert self._refresh(sign_in, 0).status_code == 401
            elif len(sign_in.tokens) > 1 and self.time < sign_in.rotated + GRACE:
                again = self._refresh(sign_in, 1)
                assert again.get_json()["refresh_token"] == sign_in.tokens[-1].refresh_token


@pytest.mark.proves("T12", "T14", "T16", "S4", "V3", "ASVS 7.3.1", "ASVS 7.3.2", "ASVS 7.4.1", "ASVS 7.4.2")
@pytest.mark.proves("ASVS 10.4.5", "ASVS 10.4.8")
def test_every_token_is_accepted_or_refused_as_the_model_says(app: Flask) -> None:
    machine = type("Bound", (SignIns,), {"app": app})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    bounds = settings(
        max_examples=12, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=checks
    )
    run_state_machine_as_test(machine, settings=bounds)
