"""Closures: additional days off."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Closure(Base):
    """Days off at a place in addition to its calendar; without a calendar's code, at the institution.

    Once it is withdrawn, no term counts by it.
    """

    __tablename__ = "closures"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    calendar: Mapped[str | None] = mapped_column(String(16))
    from_on: Mapped[date]
    until_on: Mapped[date]
    name: Mapped[str] = mapped_column(String(300))
    entered_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="order"),
        Index("ix_closures_from_on_id", "from_on", "id"),
    )
