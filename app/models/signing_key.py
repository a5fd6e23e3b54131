"""Keys that sign access tokens."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp, utcnow


class SigningKey(Base):
    """A private JSON Web Key (RFC 7517), shared by every machine on the database."""

    __tablename__ = "signing_keys"

    #: JWK thumbprint (RFC 7638).
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    #: The private JWK, encrypted with a key derived from SECRET_KEY: a copy of the database alone signs nothing.
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=utcnow)
    #: Published from the first moment, it signs from this one on, when every process has seen it.
    activates_at: Mapped[datetime] = mapped_column(Timestamp)
    #: NULL: verifies for as long as any token it signed can live. Otherwise refused from then on.
    retired_at: Mapped[datetime | None] = mapped_column(Timestamp)
