"""Counters that slow guessing down."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp


class LoginThrottle(Base):
    """Attempts under one key, in the database so that they hold across workers, machines and restarts."""

    __tablename__ = "login_throttles"

    #: Digest of what is counted (an account on a network, an account, a network): never an address in clear.
    key: Mapped[str] = mapped_column(String(43), primary_key=True)
    #: Attempts that failed, and those whose password is being checked at this moment.
    failures: Mapped[int] = mapped_column(Integer)
    #: NULL: the next attempt may come at once.
    blocked_until: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the row says nothing any more and may go.
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
