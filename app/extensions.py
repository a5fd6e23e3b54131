"""Flask extensions, unbound; `create_app` binds them."""

import json
from typing import Any

import jwt as pyjwt
from flask_jwt_extended import JWTManager
from flask_jwt_extended.config import config
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from jwt.exceptions import InvalidTokenError
from jwt.utils import base64url_decode

from app.database import Base, Database


class _JWTManager(JWTManager):
    """Flask-JWT-Extended, but a token may come from the future: ``iat`` limits nothing (RFC 7519 §4.1.6).

    Where a clock that was fast is set right, all who signed in meanwhile would otherwise be signed out.
    """

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: str | None = None, allow_expired: bool = False
    ) -> dict[str, Any]:
        return pyjwt.decode(
            encoded_token,
            self._decode_key_callback(unverified_header(encoded_token), {}),  # no key is chosen by claims
            algorithms=config.decode_algorithms,
            audience=config.decode_audience,
            issuer=config.decode_issuer,
            leeway=config.leeway,
            options={"verify_iat": False},
        )


def unverified_header(token: str) -> dict[str, Any]:
    """Return the header of a token, about which nothing is known yet.

    PyJWT's own function looks at every character of the whole token, and takes as long as verifying it.

    Raises:
        jwt.exceptions.PyJWTError, ValueError, RecursionError: it has none, or one whose ``kid`` is no text.
    """
    header = json.loads(base64url_decode(token.partition(".")[0]))
    if not isinstance(header, dict) or not isinstance(header.get("kid", ""), str):
        raise InvalidTokenError
    return header


db = Database(metadata=Base.metadata)
migrate = Migrate()
jwt = _JWTManager()
csrf = CSRFProtect()
