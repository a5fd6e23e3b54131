"""``flask keys``."""

import json

from flask import Flask

from tests.cli.conftest import Command
from tests.conftest import MakeApp
from tests.in_turn import in_turn
from tests.key_ring import public_keys, rotate, statuses
from tests.people import Person

KEYS = "kid algorithm status created_at activates_at accepted_until retired_at"


def test_the_keys_are_listed_oldest_first(flask: Command, app: Flask) -> None:
    [first] = json.loads(flask("keys list --json").stdout)["items"]
    assert first == dict.fromkeys(KEYS.split()) | {"kid": first["kid"], "algorithm": "HS256", "status": "signing"}
    kids = [rotate(app, "ES256", "--now"), rotate(app, "Ed25519")]
    items = json.loads(flask("keys list --json").stdout)["items"]
    assert [each["kid"] for each in items] == [first["kid"], *kids]
    assert [each["algorithm"] for each in items] == ["HS256", "ES256", "Ed25519"]
    assert [each["status"] for each in items] == ["verifying", "signing", "next"]
    assert items[0]["accepted_until"] > items[1]["activates_at"]
    table = flask("keys list").stdout
    assert all(each["kid"] in table for each in items)


def test_rotating_says_when_the_new_key_signs(flask: Command) -> None:
    result = flask("keys rotate --algorithm ES256")
    assert "status          next" in result.stdout
    assert "signs from" in result.stderr
    assert "signs now" in flask("keys rotate --now").stderr


def test_without_an_algorithm_a_new_key_has_that_of_the_one_that_signs(flask: Command, app: Flask) -> None:
    assert json.loads(flask("keys rotate --json").stdout)["algorithm"] == "HS256"
    rotate(app, "Ed25519", "--now")
    assert json.loads(flask("keys rotate --json").stdout)["algorithm"] == "Ed25519"


def test_retiring_the_signing_key_says_which_one_signs_instead(flask: Command, app: Flask) -> None:
    kid = rotate(app, "ES256", "--now")
    told = json.loads(flask(f"keys retire {kid} --json").stdout)
    assert told["retired"] == kid
    assert statuses(app)[told["signing"]] == "signing"
    assert [each["kid"] for each in public_keys(app)] == [told["signing"]]


@in_turn(
    ("words", "code"),
    [
        ("rotate --algorithm none", 2),
        ("rotate --algorithm RS512", 2),
        ("rotate --algorithm EdDSA", 2),
        ("retire", 2),
        ("retire unknown", 3),
        ("retire -xX3 --json", 3),
        ("retire -- --now", 3),
    ],
)
def test_keys_refuses_what_is_unclear_or_unknown(flask: Command, app: Flask, words: str, code: int) -> None:
    before = statuses(app)
    result = flask(f"keys {words}")
    assert (result.exit_code, result.stdout) == (code, "")
    assert statuses(app) == before


def test_a_key_that_does_not_exist_may_be_named_by_any_characters(flask: Command) -> None:
    for kid in ("\x00", "é\x1b[31m", "'; DROP TABLE signing_keys --"):
        result = flask("keys retire", kid)
        assert (result.exit_code, result.stderr.count("\n")) == (3, 1)


def test_the_key_made_from_the_secret_is_not_retired(flask: Command, app: Flask, alice: Person) -> None:
    [first] = statuses(app)
    for _ in range(2):
        result = flask(f"keys retire {first}")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "SECRET_KEY" in result.stderr
        assert alice.get("/tasks").status_code == 200
        rotate(app, "ES256", "--now")


def test_a_key_is_retired_once(flask: Command, app: Flask) -> None:
    kid = rotate(app, "ES256")
    assert [flask(f"keys retire {kid}").exit_code for _ in range(2)] == [0, 3]


def test_each_change_is_in_the_security_log(flask: Command, app: Flask) -> None:
    kid = rotate(app, "ES256")
    flask(f"keys retire {kid}")
    items = json.loads(flask("events list --event authz_admin --json").stdout)["items"]
    assert [each["detail"]["action"] for each in items] == ["signing key retired", "signing key added"]
    assert {each["detail"]["kid"] for each in items} == {kid}


def test_keys_made_under_another_secret_are_one_clear_line(make_app: MakeApp, app: Flask) -> None:
    kid = rotate(app, "ES256", "--now")
    other = make_app(SECRET_KEY="another secret key of at least thirty-two characters").test_cli_runner()
    listed = other.invoke(args=["keys", "list", "--json"])
    items = json.loads(listed.stdout)["items"]
    assert listed.exit_code == 4
    assert [(each["algorithm"], each["status"]) for each in items] == [("HS256", "signing"), ("ES256", "unreadable")]
    *_, last = listed.stderr.splitlines()
    assert last.startswith("Error: SECRET_KEY does not open 1 key: ")
    assert "Traceback" not in listed.stderr
    assert other.invoke(args=["keys", "retire", kid]).exit_code == 0
    assert other.invoke(args=["keys", "list"]).exit_code == 0
    assert statuses(app)[kid] == "retired"
