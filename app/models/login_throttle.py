"""Counters that slow guessing down."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp


class LoginThrottle(Base):
    """Failed sign-ins under one key, in the database so that they hold across workers and machines."""

    __tablename__ = "login_throttles"

    #: What is counted: a digest of account and network, of account, or of network; never an address in clear.
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    #: Start of the period in which they are counted.
    since: Mapped[datetime] = mapped_column(Timestamp)
    #: NULL: may try again at once.
    blocked_until: Mapped[datetime | None] = mapped_column(Timestamp)
    #: When the row says nothing any more and may go.
    expires_at: Mapped[datetime] = mapped_column(Timestamp, index=True)
