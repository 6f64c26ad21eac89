"""Deadlines."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.access.models import Confidential
from app.db import Base, Json


class Deadline(Confidential, Base):
    """A term running in a case; `due_at` is the end of `due_on` at the seat, exclusive."""

    __tablename__ = "deadlines"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    term: Mapped[str] = mapped_column(String(64))
    article: Mapped[str | None] = mapped_column(String(200))
    standing: Mapped[str] = mapped_column(String(16))
    source: Mapped[str | None] = mapped_column(String(300))
    trigger_step: Mapped[str] = mapped_column(String(64))
    trigger_on: Mapped[date]
    period: Mapped[str] = mapped_column(String(32))
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    explanation: Mapped[list[Any]] = mapped_column(Json)
    set_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('running', 'ended')", name="state"),
        Index("ix_deadlines_case_id_due_on_id", "case_id", "due_on", "id"),
        Index("ix_deadlines_audience_id_due_on_id", "audience_id", "due_on", "id"),
        Index(
            "ix_deadlines_running_due_at",
            "due_at",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )
