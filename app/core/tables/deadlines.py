"""Deadlines, and the changes of them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Deadline(Confidential, Base):
    """A term that was started in a case; `due_at` is the end of `due_on` at the seat, exclusive.

    A term from receipt runs for one party. While it is suspended, `days_left` is the number of days (or working days)
    that it has left. Lines of its explanation are added and never removed. `first_due_on` is its day before any
    extension. Its last day counts from `counted_from`: for the whole period, or for `days_counted` where it was
    resumed; where the day itself was given, `counted_from` is null.
    """

    __tablename__ = "deadlines"
    # A party that has left reads the terms that had ended: one that ran goes on with other days.
    WRITTEN_AT = "ended_at"
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
    ended_as: Mapped[str | None] = mapped_column(String(16))
    party_id: Mapped[UUID | None]
    first_due_on: Mapped[date | None]
    suspended_on: Mapped[date | None]
    days_left: Mapped[int | None]
    reminded_at: Mapped[datetime | None]
    counted_from: Mapped[date | None]
    days_counted: Mapped[int | None]
    __table_args__ = (
        CheckConstraint("state IN ('running', 'ended')", name="state"),
        Index("ix_deadlines_case_id_due_on_id", "case_id", "due_on", "id"),
        Index("ix_deadlines_due_on_id", "due_on", "id"),
        Index("ix_deadlines_audience_id_due_on_id", "audience_id", "due_on", "id"),
        Index(
            "ix_deadlines_running_due_at",
            "due_at",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )


class DeadlineChange(Confidential, Base):
    """An extension, waiver, suspension or resumption; `proposed` while parties have yet to agree.

    A closure, as it is entered or withdrawn, makes a change of each open term that it concerns: `moved` to another day,
    or `kept` on its day.
    """

    __tablename__ = "deadline_changes"
    WRITTEN_AT = "changed_at"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    deadline_id: Mapped[UUID] = mapped_column(ForeignKey("deadlines.id"))
    kind: Mapped[str] = mapped_column(String(24))
    due_before: Mapped[date]
    due_after: Mapped[date | None]
    agreed_by: Mapped[list[Any]]
    on: Mapped[date]
    changed_at: Mapped[datetime]
    closure_id: Mapped[UUID | None]
    __table_args__ = (
        Index("ix_deadline_changes_deadline_id", "deadline_id"),
        Index("ix_deadline_changes_closure_id_due_before_id", "closure_id", "due_before", "id"),
    )
