"""What verifiers and clients ask first: server metadata (RFC 8414) and public keys (RFC 7517)."""

from typing import Any

from flask import Blueprint, current_app

from app.auth import oauth_schemas
from app.services import key_rotation, keys
from app.services.scopes import ALL_SCOPES
from app.web.contract import documented

bp = Blueprint("metadata", __name__)

_BY_SECRET = ["client_secret_basic", "client_secret_post"]


@bp.get("/.well-known/oauth-authorization-server")
@documented(response=oauth_schemas.ServerMetadata)
def authorization_server() -> Any:
    """Describe the OAuth endpoints."""
    issuer = current_app.config["PUBLIC_URL"]
    grants = ["refresh_token", "password"] if current_app.config["OAUTH_PASSWORD_GRANT"] else ["refresh_token"]
    body = {
        "issuer": issuer,
        "service_documentation": f"{issuer}/api/docs",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": ["none", *_BY_SECRET],
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["none", *_BY_SECRET],
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": _BY_SECRET,
        # §2 requires this member and §3.2 wants empty ones left out. There is no authorization endpoint, so the list
        # is empty; it stays, since a client that looks for it must not read its absence as a broken document.
        "response_types_supported": [],
        "grant_types_supported": grants,
        "scopes_supported": ALL_SCOPES.split(),
    }
    return body, {"Cache-Control": "public, max-age=3600"}


@bp.get("/.well-known/jwks.json")
@documented(response=oauth_schemas.KeySet, media=["application/jwk-set+json"])
def jwks() -> Any:
    """Publish the keys with which anybody can verify access tokens; none while HS256 signs."""
    headers = {
        "Cache-Control": f"public, max-age={key_rotation.PUBLISHED_MAX_AGE}",
        "Content-Type": "application/jwk-set+json",
    }
    return {"keys": keys.published()}, headers
