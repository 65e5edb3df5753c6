"""Stored editions of the content."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base


class Edition(Base):
    """One immutable, numbered edition: what the installation said and who answered what."""

    __tablename__ = "editions"

    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    document: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]
