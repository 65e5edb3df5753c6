"""Who is away when. Rows, not content, since they change by the day."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, BigId


class Absence(Base):
    """Days on which a manager is away, both ends included, in the installation's time zone."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="ends_after_start"),
        Index(None, "manager_key", "last_day"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    manager_key: Mapped[str] = mapped_column(String(60))
    first_day: Mapped[date]
    last_day: Mapped[date]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
