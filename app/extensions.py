"""Flask extensions, unbound; `create_app` binds them."""

from typing import Any

import jwt as pyjwt
from flask_jwt_extended import JWTManager
from flask_jwt_extended.config import config
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from app.database import Base, Database


class _JWTManager(JWTManager):
    """Flask-JWT-Extended, but a token may come from the future: ``iat`` limits nothing (RFC 7519 §4.1.6).

    Where a clock that was fast is set right, all who signed in meanwhile would otherwise be signed out.
    """

    def _decode_jwt_from_config(
        self, encoded_token: str, csrf_value: str | None = None, allow_expired: bool = False
    ) -> dict[str, Any]:
        claims = pyjwt.decode(encoded_token, options={"verify_signature": False})
        return pyjwt.decode(
            encoded_token,
            self._decode_key_callback(pyjwt.get_unverified_header(encoded_token), claims),
            algorithms=config.decode_algorithms,
            audience=config.decode_audience,
            issuer=config.decode_issuer,
            leeway=config.leeway,
            options={"verify_iat": False},
        )


db = Database(metadata=Base.metadata)
migrate = Migrate()
jwt = _JWTManager()
csrf = CSRFProtect()
