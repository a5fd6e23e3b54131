"""Programs of other people that may ask for tokens."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp, utcnow


class OAuthClient(Base):
    """A registered OAuth 2 client (RFC 6749 §2)."""

    __tablename__ = "oauth_clients"

    #: Generated, never chosen, so that it cannot look like a user's id or another client's.
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    #: SHA-256 of the secret, which has 256 random bits. NULL: a public client, which has none.
    secret_digest: Mapped[str | None] = mapped_column(String(64))
    #: The most it may be given: space-separated scope tokens.
    scope: Mapped[str] = mapped_column(Text)
    #: May ask about tokens that are not its own, as a resource server does (RFC 7662).
    introspects: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: NULL: in use.
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)
