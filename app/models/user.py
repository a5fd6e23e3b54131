"""The account."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp, utcnow


class User(Base):
    """A person who can sign in; owns tasks and sign-ins, which go when the row goes."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(254))
    #: The address with case folded: what makes an address unique and what sign-in looks up.
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str] = mapped_column(Text)
    #: IANA zone in which due dates are meant.
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    #: How pages look: ``light``, ``dark``, or as the ``system`` of whoever looks.
    theme: Mapped[str] = mapped_column(String(6), default="system")
    #: NULL: the account may sign in.
    disabled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    #: Counts the writes to this person's tasks; each write stamps it on the rows it touches.
    rev: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Deletions up to this `rev` are forgotten: whoever last synchronised before it has to start again.
    sync_floor: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
