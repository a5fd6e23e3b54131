"""Tokens that play one key or one algorithm against another: all of them are 401 invalid_token."""

import base64
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from jwt.algorithms import get_default_algorithms

from app.services import jwk, keys
from tests.conftest import ONE_DATABASE
from tests.forge import Forger, b64
from tests.key_ring import ASYMMETRIC, command, public_keys, rotate
from tests.people import Person

# No database has a say in what a signature is worth.
pytestmark = ONE_DATABASE

INVALID = (401, 'Bearer realm="taskward", error="invalid_token"')


def answer(person: Person, token: str) -> tuple[int, str]:
    response = person.client.get(person.url("/tasks"), headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.headers.get("WWW-Authenticate", "")


@pytest.fixture(params=ASYMMETRIC)
def signed(app: Flask, alice: Person, request: pytest.FixtureRequest) -> Person:
    """Somebody whose token an asymmetric key signed."""
    rotate(app, request.param, "--now")
    return alice.another_sign_in()


@pytest.fixture
def forger(app: Flask, signed: Person) -> Forger:
    return Forger(app, signed.access_token)


@pytest.mark.proves("J3", "J4", "P1", "P2", "P4", "P5", "P6", "P7", "ASVS 9.1.1", "ASVS 9.1.2", "ASVS 9.2.2")
def test_every_hostile_token_is_refused_under_an_asymmetric_key_too(
    forger: Forger, signed: Person, bob: Person
) -> None:
    other = bob.get("/sessions").get_json()["items"][0]["id"]
    hostile = forger.tokens(signed.refresh_token, other)
    assert {name: answer(signed, token) for name, token in hostile.items()} == dict.fromkeys(hostile, INVALID)
    assert answer(signed, forger.with_claims())[0] == 200


@pytest.mark.proves("P1", "ASVS 9.1.2", "CVE-2022-29217", "CVE-2016-10555")
def test_the_published_key_is_no_hmac_secret(app: Flask, forger: Forger, signed: Person) -> None:
    [published] = public_keys(app)
    public = forger.key.verifying.key
    secrets = {
        "JWK": json.dumps(published).encode(),
        "JWK without blanks": json.dumps(published, separators=(",", ":")).encode(),
    }
    secrets |= {name: base64.urlsafe_b64decode(f"{published.get(name, 'eA')}==") for name in ("n", "x", "y")}
    secrets |= {f"{name} as text": published.get(name, "x").encode() for name in ("n", "x", "kid")}
    for name, encoding in {"PEM": Encoding.PEM, "DER": Encoding.DER}.items():
        secrets[name] = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        if published["kty"] == "RSA":
            secrets[f"{name} PKCS1"] = public.public_bytes(encoding, PublicFormat.PKCS1)
    secrets["PEM without its last line end"] = secrets["PEM"].rstrip()
    with app.app_context():
        first = next(kid for kid, key in keys.ring().accepted.items() if key.alg == "HS256")
    for name, secret in secrets.items():
        for kid in (published["kid"], first):
            header = forger.header | {"alg": "HS256", "kid": kid}
            assert answer(signed, forger.sign(header, forger.claims, secret)) == INVALID, name
            header["alg"] = published["alg"]
            assert answer(signed, forger.sign(header, forger.claims, secret)) == INVALID, name


@pytest.mark.proves("P1", "RFC 8725 §3.1", "ASVS 9.1.2")
def test_a_key_is_good_for_its_own_algorithm_only(app: Flask, forger: Forger, signed: Person) -> None:
    others = {"none", "None", "nOnE", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    others |= {"ES256", "ES384", "ES512", "ES521", "ES256K", "EdDSA", "Ed25519", "Ed448", "ESB256", "A128KW", "dir", ""}
    for alg in others - {forger.header["alg"]}:
        assert answer(signed, forger.with_header(alg=alg)) == INVALID, alg
        assert answer(signed, forger.with_header(alg=alg).rpartition(".")[0] + ".") == INVALID, alg
    # As good as a signature gets, had the key served that algorithm as well.
    key = forger.key.signing.key
    if forger.header["alg"] == "RS256":
        for alg in ("PS256", "RS512"):
            sign = get_default_algorithms()[alg].sign
            header = forger.header | {"alg": alg}
            assert answer(signed, forger.sign_by(lambda text, s=sign: s(text, key), header, forger.claims)) == INVALID


@pytest.mark.proves("P4", "P5", "ASVS 9.1.3", "CVE-2018-0114")
def test_a_key_of_the_attackers_is_not_believed_however_it_is_announced(
    app: Flask, forger: Forger, signed: Person
) -> None:
    private = jwk.make(forger.key.algorithm)
    own = jwk.load(private, forger.key.algorithm)
    address = "http://127.0.0.1:1/jwks.json"
    for change in (
        {},
        {"kid": own.kid},
        {"jwk": own.public},
        {"jwk": own.public, "kid": own.kid},
        {"jku": address},
        {"jku": address, "kid": own.kid},
        {"x5u": address},
        {"x5c": ["MIIB"]},
        {"kid": address},
    ):
        header = forger.header | change
        token = forger.sign_by(lambda text: own.signing.Algorithm.sign(text, own.signing.key), header, forger.claims)
        assert answer(signed, token) == INVALID, change


@pytest.mark.proves("P2", "CVE-2022-21449")
def test_signatures_that_a_careless_check_lets_pass_are_refused(forger: Forger, signed: Person) -> None:
    length = {"RS256": 384, "ES256": 64, "EdDSA": 64}[forger.header["alg"]]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for signature in (
        b"",
        b"\0",
        b"\0" * length,
        b"\xff" * length,
        b"\0" * (length - 1) + b"\1",
        order.to_bytes(32) * 2,
        b"\x30\x06\x02\x01\x00\x02\x01\x00",
        b"A" * 3000,
    ):
        assert answer(signed, forger.sign_by(lambda _, s=signature: s, forger.header, forger.claims)) == INVALID

    def in_der(text: bytes) -> bytes:
        raw = forger.key.signing.Algorithm.sign(text, forger.key.signing.key)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    assert answer(signed, forger.sign_by(in_der, forger.header, forger.claims)) == INVALID
    good = base64.urlsafe_b64decode(f"{signed.access_token.split('.')[2]}==")
    for twisted in (good + b"\0", b"\0" + good, good[:-1], good[::-1], good * 2):
        head, body, _ = signed.access_token.split(".")
        assert answer(signed, f"{head}.{body}.{b64(twisted)}") == INVALID
    assert decode_dss_signature(in_der(b"")) != (0, 0)  # the encoding above is one that others read


@pytest.mark.proves("P6", "ASVS 9.2.2", "RFC 8725 §3.11")
def test_the_keys_of_access_and_refresh_tokens_do_not_stand_in_for_each_other(
    app: Flask, alice: Person, forger: Forger, signed: Person
) -> None:
    with app.app_context():
        refresh_key = keys.refresh_key()
        others = [key for key in keys.ring().accepted.values() if key.alg == "HS256"]
    header = forger.header | {"alg": "HS256"}
    secret = refresh_key.signing.key
    for kid in (refresh_key.kid, forger.key.kid, others[0].kid):
        assert answer(signed, forger.sign(header | {"kid": kid}, forger.claims, secret)) == INVALID
    claims = jwt.decode(signed.refresh_token, options={"verify_signature": False})
    for key in (forger.key, others[0]):
        forged = forger.sign_by(
            lambda text, key=key: key.signing.Algorithm.sign(text, key.signing.key),
            {"alg": key.alg, "kid": key.kid, "typ": "rt+jwt"},
            claims,
        )
        refused = app.test_client().post("/api/auth/refresh", json={"refresh_token": forged})
        assert refused.status_code == 401
    assert alice.another_sign_in().get("/tasks").status_code == 200


@pytest.mark.proves("P3")
def test_nothing_that_secret_key_signs_elsewhere_passes_for_a_token(app: Flask, alice: Person) -> None:
    forger = Forger(app, alice.access_token)
    secret = app.config["SECRET_KEY"].encode()
    derived = [hmac.digest(secret, label, "sha256") for label in (b"", b"cookie-session", b"taskward identifiers")]
    for each in (secret, *derived):
        assert answer(alice, forger.sign(forger.header, forger.claims, each)) == INVALID


@pytest.mark.proves("P1", "ASVS 7.4.1")
def test_a_token_forged_with_a_retired_key_is_refused(app: Flask, forger: Forger, signed: Person) -> None:
    command(app, "retire", forger.key.kid)
    assert answer(signed, forger.with_claims()) == INVALID
    assert answer(signed, forger.with_claims(exp=forger.claims["exp"] + 1)) == INVALID
