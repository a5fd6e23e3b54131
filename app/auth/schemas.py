"""What the account and token routes accept and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.services.liveness import Principal
from app.services.tokens import TokenPair
from app.web.payload import Answer, Email, MergePatch, Name, OneLine, Schema, Secret

# Longer than any password may be, so that the rule about length is the service's to explain.
Password = Annotated[Secret, Field(max_length=1024)]
Theme = Literal["system", "light", "dark"]


class Registration(Schema):
    email: Email
    password: Password
    name: Name = ""


class Credentials(Schema):
    email: Email
    password: Password


class Login(Credentials):
    scope: Annotated[str, Field(max_length=200)] | None = None


class Refresh(Schema):
    refresh_token: Annotated[str, Field(max_length=8192)]


class ProfileChanges(MergePatch):
    """JSON merge patch: what is left out stays as it is."""

    name: Name = ""
    timezone: Annotated[OneLine, Field(max_length=64)] = ""
    theme: Theme = "system"


class PasswordChange(Schema):
    current_password: Password
    new_password: Password


class EmailChange(Schema):
    email: Email


class Reauthentication(Schema):
    password: Password


class Deletion(Schema):
    password: Password


class EventsQuery(Schema):
    cursor: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Profile(Answer):
    id: UUID
    email: str
    name: str
    timezone: str
    theme: Theme
    created_at: datetime


class TokenResponse(Answer):
    """RFC 6749 §5.1, and the user's id."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    scope: str
    user_id: UUID


class Session(Answer):
    """A device that is signed in; ``current`` is the one that asks."""

    id: UUID
    user_id: UUID
    kind: Literal["web", "api", "oauth"]
    client_id: str
    label: str
    user_agent: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    idle_until: datetime
    expires_at: datetime
    current: bool


class Sessions(Answer):
    items: list[Session]


class SecurityEvent(Answer):
    """Something that happened to the account; ``event`` is from OWASP's vocabulary, ``description`` is plain words."""

    id: UUID
    created_at: datetime
    event: str
    sign_in_id: UUID | None
    ip: str
    device: str
    description: str


class SecurityEvents(Answer):
    items: list[SecurityEvent]
    next_cursor: UUID | None


def token_response(pair: TokenPair) -> dict[str, Any]:
    """Return the token response of RFC 6749 §5.1, with the user's id as an extension."""
    return {
        "access_token": pair.access_token,
        "token_type": "Bearer",
        "expires_in": pair.expires_in,
        "refresh_token": pair.refresh_token,
        "scope": pair.scope,
        "user_id": pair.user_id,
    }


def own_profile(who: Principal) -> dict[str, Any]:
    """Return the caller's profile from what the liveness question already brought."""
    return {
        "id": who.user_id,
        "email": who.email,
        "name": who.name,
        "timezone": who.timezone,
        "theme": who.theme,
        "created_at": who.created_at,
    }
