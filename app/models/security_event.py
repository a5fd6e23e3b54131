"""The security event log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp, time_ordered_id, utcnow


class SecurityEvent(Base):
    """An authentication or authorization outcome; rows are never changed, and go with their account or their time."""

    __tablename__ = "security_events"
    __table_args__ = (Index(None, "user_id", "id"), Index(None, "created_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=time_ordered_id)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: A name of the OWASP logging vocabulary, as in authn_login_success.
    event: Mapped[str] = mapped_column(String(40))
    #: NULL: no account is concerned, or none that exists.
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    #: Not a foreign key: the event outlives the sign-in.
    sign_in_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(String(45), default="")
    request_id: Mapped[str] = mapped_column(String(64), default="")
    #: The device in plain words, as in "Firefox on Linux".
    device: Mapped[str] = mapped_column(String(100), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
