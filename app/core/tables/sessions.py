"""Sessions of the mediation, in the table of meetings."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential

_SCHEDULED = text("state = 'scheduled'")


class Meeting(Confidential, Base):
    """A session of the mediation; its title, place and attendance are sealed contents.

    `settled_at` is when it was recorded as held, adjourned or cancelled.
    """

    __tablename__ = "meetings"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    audience_name: Mapped[str] = mapped_column(String(24))
    party_ids: Mapped[list[Any]] = mapped_column(Json)
    content_id: Mapped[UUID]
    attendance_id: Mapped[UUID | None]
    reason_id: Mapped[UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(String(64))
    scheduled_at: Mapped[datetime]
    held_on: Mapped[date | None]
    settled_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("kind IN ('joint', 'caucus')", name="kind"),
        CheckConstraint("state IN ('scheduled', 'held', 'adjourned', 'cancelled')", name="state"),
        Index("ix_meetings_case_id_starts_at_id", "case_id", "starts_at", "id"),
        Index(
            "ix_meetings_scheduled_starts_at_id",
            "starts_at",
            "id",
            sqlite_where=_SCHEDULED,
            postgresql_where=_SCHEDULED,
        ),
    )
