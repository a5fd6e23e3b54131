"""What verifiers and clients ask first: server metadata (RFC 8414) and public keys (RFC 7517)."""

from typing import Any

from flask import Blueprint, current_app

from app.services import key_rotation, keys
from app.services.sign_ins import ALL_SCOPES

bp = Blueprint("metadata", __name__)


@bp.get("/.well-known/oauth-authorization-server")
def authorization_server() -> Any:
    """Describe the OAuth endpoints."""
    issuer = current_app.config["PUBLIC_URL"]
    grants = ["refresh_token", "password"] if current_app.config["OAUTH_PASSWORD_GRANT"] else ["refresh_token"]
    body = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["none"],
        # Required even where, as here, nothing uses the authorization endpoint (§2).
        "response_types_supported": [],
        "grant_types_supported": grants,
        "scopes_supported": ALL_SCOPES.split(),
    }
    return body, {"Cache-Control": "public, max-age=3600"}


@bp.get("/.well-known/jwks.json")
def jwks() -> Any:
    """Publish the keys with which anybody can verify access tokens; none while HS256 signs."""
    headers = {
        "Cache-Control": f"public, max-age={key_rotation.PUBLISHED_MAX_AGE}",
        "Content-Type": "application/jwk-set+json",
    }
    return {"keys": keys.published()}, headers
