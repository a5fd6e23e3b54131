"""How one gets in, and that there is no other way."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

import config
from app.extensions import db
from tests.conftest import MakeApp
from tests.people import PASSWORD, Person, make_person

APP = Path(__file__).parents[2] / "app"
CAROL = {"email": "carol@example.org", "password": PASSWORD}


def callers(module: str, name: str) -> set[str]:
    """Return the functions of the application that call ``module.name``, as file and name."""
    found = set()
    for path in APP.rglob("*.py"):
        own = path.stem == module
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                called = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
                if f"{module}.{name}" in called or (own and name in called):
                    found.add(f"{path.relative_to(APP)}:{function.name}")
    return found


def claims(token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.mark.proves("ASVS 6.3.4", "ASVS 6.3.6", "ASVS 6.1.3")
def test_tokens_are_made_for_a_password_or_a_refresh_token_and_for_nothing_else() -> None:
    ways_in = {
        "services/authentication.py:sign_in",
        "services/authentication.py:replace_sign_in",
        "services/tokens.py:rotate",
    }
    assert callers("tokens", "issue") == ways_in
    assert callers("sign_ins", "start") == {"services/authentication.py:sign_in"}
    # Only for who is signed in, and gives the password now or has given it lately.
    assert callers("sign_ins", "replace") == {"services/authentication.py:replace_sign_in"}
    assert callers("authentication", "replace_sign_in") == {
        "services/accounts.py:change_password_replacing_sign_in",
        "services/accounts.py:change_email_replacing_sign_in",
        "services/authentication.py:reauthenticate",
    }


@pytest.mark.proves("ASVS 8.4.2")
def test_what_operators_may_do_is_out_of_reach_of_the_network() -> None:
    named = {
        path.parent.name
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom) and "operators" in ast.unparse(node)
    }
    assert named == {"cli"}


@pytest.mark.proves("ASVS 10.4.7")
def test_no_client_can_register_itself(app: Flask, client: FlaskClient) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").get_json()
    assert "registration_endpoint" not in metadata
    rules = {rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/account/")}
    public = {rule for rule in rules if "regist" in rule or "client" in rule}
    assert public == {"/register", "/api/auth/register"}  # of people


@pytest.mark.proves("ASVS 6.4.2")
def test_an_account_has_no_hint_and_no_secret_question(app: Flask) -> None:
    columns = {column.name for table in db.metadata.tables.values() for column in table.columns}
    assert not [name for name in columns if any(word in name for word in ("hint", "question", "answer"))]


@pytest.mark.proves("ASVS 6.2.10")
def test_a_password_does_not_wear_out(app: Flask, alice: Person) -> None:
    body = {"email": alice.email, "password": PASSWORD}
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3650)):
        assert app.test_client().post("/api/auth/login", json=body).status_code == 200


@pytest.mark.proves("ASVS 7.2.2", "ASVS 7.2.3", "ASVS 11.5.1", "T15")
def test_every_sign_in_gets_tokens_of_its_own_with_256_bits_nobody_can_guess(app: Flask, alice: Person) -> None:
    people = [alice, *(alice.another_sign_in() for _ in range(4))]
    raw = [token for each in people for token in (each.access_token, each.refresh_token)]
    ids = {str(claims(token)["jti"]) for token in raw}
    assert len(ids) == len(raw)
    assert {len(jti) for jti in ids} == {43}  # 256 bits in base64url
    assert len({str(claims(token)["sid"]) for token in raw}) == len(people)


@pytest.mark.proves("ASVS 10.3.3")
def test_the_id_of_a_deleted_account_is_never_given_to_another(app: Flask, alice: Person) -> None:
    assert alice.delete("", {"password": PASSWORD}).status_code == 204
    successor = make_person(app, alice.email)
    assert successor.id != alice.id
    assert alice.get("/api/me").status_code == 401
    assert alice.client.get(successor.url(), headers=alice.bearer()).status_code == 401


@pytest.mark.proves("ASVS 11.4.2")
def test_passwords_are_stored_as_argon2id_with_at_least_the_recommended_work(app: Flask, make_app: MakeApp) -> None:
    assert make_app(ARGON2_TIME_COST="2").test_client().post("/api/auth/register", json=CAROL).status_code == 201
    with app.app_context(), db.read() as connection:
        stored = str(connection.execute(text("SELECT password_hash FROM users")).scalar_one())
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for name, weak in (("ARGON2_MEMORY_KIB", "19455"), ("ARGON2_TIME_COST", "1")):
        with pytest.raises(config.ConfigError, match=name):
            config.load({"INSTANCE_PATH": app.instance_path, name: weak})


@pytest.mark.proves("ASVS 11.4.2")
def test_raising_the_work_rehashes_at_the_next_sign_in(app: Flask, client: FlaskClient, make_app: MakeApp) -> None:
    client.post("/api/auth/register", json=CAROL)
    stronger = make_app(ARGON2_TIME_COST="3")
    for _ in range(2):
        assert stronger.test_client().post("/api/auth/login", json=CAROL).status_code == 200
    with app.app_context(), db.read() as connection:
        assert "t=3" in str(connection.execute(text("SELECT password_hash FROM users")).scalar_one())


@pytest.mark.proves("ASVS 13.4.2", "ASVS 16.5.1")
@pytest.mark.parametrize("path", ["/api/broken", "/oauth/broken", "/broken"])
def test_a_fault_of_ours_tells_nothing_about_itself(make_app: MakeApp, path: str) -> None:
    app = make_app(FLASK_DEBUG="1", DEBUG="1")
    app.testing = False

    def broken() -> str:
        raise ValueError("SECRETVALUE")

    app.add_url_rule(path, "broken", broken)
    answer = app.test_client().get(path)
    assert answer.status_code == 500
    for word in ("SECRETVALUE", "ValueError", "Traceback", ".py"):
        assert word not in answer.text


@pytest.mark.proves("ASVS 13.4.5")
def test_health_checks_say_one_word_and_nothing_else_is_public(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.get(path).get_json() == {"status": "ok"}
    for path in ("/metrics", "/debug", "/console", "/.git/config", "/.env", "/instance/secret_key", "/config.py"):
        assert client.get(path).status_code in (401, 403, 404), path


@pytest.mark.proves("M3", "RFC 8414 §3.2")
def test_the_metadata_leaves_out_what_is_empty_except_what_the_standard_requires(client: FlaskClient) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").get_json()
    assert [name for name, value in metadata.items() if not value] in ([], ["response_types_supported"])
    assert not [name for name, value in metadata.items() if "signing_alg" in name and "none" in value]


@pytest.mark.proves("M1", "T1", "RFC 8414 §3.3")
def test_the_issuer_is_the_address_people_type_and_that_of_the_tokens(make_app: MakeApp, alice: Person) -> None:
    app = make_app(PUBLIC_URL="https://tasks.example.org")
    answer = app.test_client().get("/.well-known/oauth-authorization-server")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    metadata = answer.get_json()
    assert metadata["issuer"] == "https://tasks.example.org"
    for name, value in metadata.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert value.startswith("https://tasks.example.org/")
            assert "#" not in value
    token = make_person(app, "carol@example.org").access_token
    assert claims(token)["iss"] == claims(token)["aud"] == metadata["issuer"]
    assert alice.get("/api/me").status_code == 200


@pytest.mark.proves("V6", "RFC 7009 §2.2.1")
def test_a_revocation_that_could_not_be_written_is_503_and_the_token_lives(
    app: Flask, client: FlaskClient, alice: Person
) -> None:
    with app.app_context():
        engine = db.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE sign_ins RENAME TO elsewhere")
    try:
        answer = client.post("/oauth/revoke", data={"token": alice.refresh_token})
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO sign_ins")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert alice.get("/api/me").status_code == 200
