"""When upkeep was last begun."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.base import Timestamp


class MaintenanceRun(Base):
    """The one row by which processes and machines agree on who does the hourly upkeep."""

    __tablename__ = "maintenance_runs"

    #: Always 1.
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime] = mapped_column(Timestamp)
