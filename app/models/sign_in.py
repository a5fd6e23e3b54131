"""Sign-ins and the blocklist: what decides whether a token is alive."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp, time_ordered_id, utcnow


class SignIn(Base):
    """One sign-in on one device: the row every token of it points at (claim ``sid``)."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=time_ordered_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    #: web, api or oauth.
    kind: Mapped[str] = mapped_column(String(10))
    client_id: Mapped[str] = mapped_column(String(100))
    #: Space-separated scope tokens (RFC 6749 §3.3).
    scope: Mapped[str] = mapped_column(Text)
    #: The device in plain words, as in "Firefox on Linux".
    label: Mapped[str] = mapped_column(String(100), default="")
    user_agent: Mapped[str] = mapped_column(String(256), default="")
    ip: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: Written at most once a minute.
    last_seen_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: When the password was last given in this sign-in.
    auth_time: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: Number of the newest refresh token; only this one, and for a grace period the one before, is good.
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    #: When the newest refresh token was issued.
    rotated_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    idle_until: Mapped[datetime] = mapped_column(Timestamp)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    #: NULL: not ended by anybody.
    revoked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    revoke_reason: Mapped[str | None] = mapped_column(String(40))


class BlockedToken(Base):
    """A single access token revoked before its time (RFC 7009), kept until it would have expired anyway."""

    __tablename__ = "blocked_tokens"

    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
