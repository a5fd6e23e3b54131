"""The key ring that signs and verifies tokens; Flask-JWT-Extended asks it through its loaders."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import current_app
from jwt.exceptions import InvalidKeyError

from app.extensions import jwt


@dataclass(frozen=True)
class SigningKey:
    """A symmetric key with its JWK thumbprint (RFC 7638) as ``kid``."""

    kid: str
    secret: bytes


def current() -> SigningKey:
    """Return the key that signs now."""
    return _derive(current_app.config["SECRET_KEY"])


def mac(message: str) -> str:
    """Return 256 bits, base64url, that only holders of the server's secret can compute for ``message``."""
    digest = hmac.digest(current().secret, message.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def _derive(secret_key: str) -> SigningKey:
    # A key of its own for tokens: what SECRET_KEY signs elsewhere (form cookies) must never pass for one.
    secret = hmac.digest(secret_key.encode(), b"taskward access and refresh tokens", "sha256")
    k = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    thumbprint = hashlib.sha256(f'{{"k":"{k}","kty":"oct"}}'.encode()).digest()
    return SigningKey(base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode(), secret)


@jwt.encode_key_loader
def _signing_secret(_identity: object) -> bytes:
    return current().secret


@jwt.decode_key_loader
def _verifying_secret(header: dict[str, Any], _claims: dict[str, Any]) -> bytes:
    key = current()
    if header.get("kid") != key.kid:
        raise InvalidKeyError("unknown kid")
    return key.secret
