"""What the OAuth endpoints accept and answer, as their RFCs name it; parameters nobody knows are ignored (§3.1)."""

from typing import Literal

from pydantic import BaseModel

from app.web.payload import Answer


class ByClient(BaseModel):
    """A request of a client that may name itself in the form; a confidential one had better use HTTP Basic."""

    client_id: str | None = None
    client_secret: str | None = None


class TokenRequest(ByClient):
    """RFC 6749 §4.3.2 and §6; each grant needs its own parameters."""

    grant_type: Literal["refresh_token", "password"]
    refresh_token: str | None = None
    username: str | None = None
    password: str | None = None
    scope: str | None = None


class RevocationRequest(ByClient):
    """RFC 7009 §2.1."""

    token: str
    token_type_hint: str | None = None


class IntrospectionRequest(ByClient):
    """RFC 7662 §2.1."""

    token: str
    token_type_hint: str | None = None


class Introspection(Answer):
    """RFC 7662 §2.2; all but ``active`` are there only for a token that is."""

    active: bool
    scope: str = ""
    token_type: str = ""
    client_id: str = ""
    exp: int = 0
    iat: int = 0
    sub: str = ""
    aud: str = ""
    iss: str = ""
    jti: str = ""


class ServerMetadata(Answer):
    """RFC 8414 §2."""

    issuer: str
    service_documentation: str
    jwks_uri: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    scopes_supported: list[str]


class PublicKey(Answer):
    """RFC 7517 §4; which of the last members there are depends on ``kty``."""

    kid: str
    kty: Literal["RSA", "EC", "OKP"]
    alg: str
    use: Literal["sig"]
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""


class KeySet(Answer):
    keys: list[PublicKey]
