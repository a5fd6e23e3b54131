"""One signing key as a JSON Web Key (RFC 7517): make it, seal it for the database, show its public half."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwt import PyJWK
from jwt.algorithms import get_default_algorithms

#: What an operator may ask for, and the ``alg`` (RFC 7518 §3.1) that goes with it. Ed25519 signs as ``EdDSA``: RFC 9864
#: prefers ``Ed25519``, but PyJWT and most libraries of those who verify our tokens do not know that name yet.
ALGORITHMS = {"HS256": "HS256", "RS256": "RS256", "ES256": "ES256", "Ed25519": "EdDSA"}

_MAKERS: dict[str, Callable[[], Any]] = {
    "HS256": lambda: secrets.token_bytes(32),
    # 3072 bits are as strong as the 128 bits of the two curves (NIST SP 800-57).
    "RS256": lambda: generate_rsa_private_key(public_exponent=65537, key_size=3072),
    "ES256": lambda: generate_private_key(SECP256R1()),
    "Ed25519": Ed25519PrivateKey.generate,
}
# The members a thumbprint covers (RFC 7638 §3.2, RFC 8037 §2). Of an asymmetric key they are exactly the public half.
_THUMBPRINT_MEMBERS = {"oct": ("k",), "RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_NONCE_BYTES = 12

PrivateJWK = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """A key with its one algorithm: a token whose header names another is refused before anything is computed."""

    #: JWK thumbprint (RFC 7638).
    kid: str
    #: As operators call it, one of `ALGORITHMS`.
    algorithm: str
    #: As token headers call it.
    alg: str
    signing: PyJWK = field(repr=False)
    verifying: PyJWK = field(repr=False)
    #: The JWK that anybody may see, or None for a symmetric key, which has no public half.
    public: dict[str, str] | None


def make(algorithm: str) -> PrivateJWK:
    """Return a new random private JWK for one of `ALGORITHMS`."""
    implementation = get_default_algorithms()[ALGORITHMS[algorithm]]
    return dict(implementation.to_jwk(_MAKERS[algorithm](), as_dict=True))


def load(jwk: PrivateJWK, algorithm: str) -> Key:
    """Return the private JWK as a key for this algorithm and no other.

    Raises:
        jwt.exceptions.PyJWTError: it is not a key of this algorithm.
    """
    alg, kty = ALGORITHMS[algorithm], jwk["kty"]
    named = {"kty": kty} | {member: jwk[member] for member in _THUMBPRINT_MEMBERS[kty]}
    canonical = json.dumps(named, separators=(",", ":"), sort_keys=True).encode()
    kid = base64url(hashlib.sha256(canonical).digest())
    public = None if kty == "oct" else named | {"use": "sig", "alg": alg, "kid": kid}
    return Key(kid, algorithm, alg, PyJWK(jwk, alg), PyJWK(public or jwk, alg), public)


def seal(jwk: PrivateJWK, kid: str, algorithm: str, secret_key: str) -> str:
    """Return the private JWK encrypted and authenticated under SECRET_KEY, good only with this kid and algorithm."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    box = _box(secret_key).encrypt(nonce, json.dumps(jwk).encode(), _label(kid, algorithm))
    return base64.b64encode(nonce + box).decode()


def unseal(sealed: str, kid: str, algorithm: str, secret_key: str) -> Key | None:
    """Return the key, or None if another SECRET_KEY sealed it or the row was tampered with."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        text = _box(secret_key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _label(kid, algorithm))
    except (InvalidTag, ValueError):
        return None
    return load(json.loads(text), algorithm)


@lru_cache(maxsize=8)
def derived_secret(secret_key: str, purpose: str) -> bytes:
    """Return 256 bits made from SECRET_KEY for one purpose, which tell nothing about those for another."""
    return hmac.digest(secret_key.encode(), purpose.encode(), "sha256")


@lru_cache(maxsize=8)
def derived_key(secret_key: str, purpose: str) -> Key:
    """Return the HS256 key that SECRET_KEY makes for one purpose."""
    return load({"kty": "oct", "k": base64url(derived_secret(secret_key, purpose))}, "HS256")


def base64url(data: bytes) -> str:
    """Return the data in base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _box(secret_key: str) -> AESGCM:
    return AESGCM(derived_secret(secret_key, "taskward sealed signing keys"))


def _label(kid: str, algorithm: str) -> bytes:
    return f"{kid} {algorithm}".encode()
