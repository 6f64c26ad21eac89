"""Cases, the steps taken in them, and their reference numbers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential

# The columns by which lists are filtered; each has an index that ends in the order of the list.
FILTERED = ("phase", "stage", "procedure", "category")
IS_DUE = text("next_due_on IS NOT NULL")
AWAITS_STAFF = text("awaits LIKE '% registry %' OR awaits LIKE '% appointing-authority %'")


class Case(Confidential, Base):
    """A dispute under a rule set; its audience are the people who may know that it exists.

    Stage, phase, outcome and tracks (name and state) change only in `steps.service`; `waiting_for`, `awaits` (the same
    as words to search), `next_due_on`, `seq` and `updated_at` are kept by `steps.derived_columns`.
    A case that a court referred has the `referral_id` and the `court_id`.
    `day_time_zone` is the zone in which days are counted where the rule set does not count them at the seat.
    """

    __tablename__ = "cases"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str | None] = mapped_column(String(32), unique=True)
    procedure: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(300))
    search: Mapped[str]
    phase: Mapped[str] = mapped_column(String(32))
    stage: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(32))
    ground: Mapped[str | None] = mapped_column(String(64))
    earlier_case_id: Mapped[UUID | None]
    referral_id: Mapped[UUID | None] = mapped_column(index=True, unique=True)
    court_id: Mapped[UUID | None]
    generation: Mapped[int] = mapped_column(default=0)
    subjects: Mapped[list[str]]
    languages: Mapped[list[str]]
    seat_place: Mapped[str] = mapped_column(String(200))
    seat_time_zone: Mapped[str] = mapped_column(String(64))
    day_time_zone: Mapped[str | None] = mapped_column(String(64))
    seat_calendar: Mapped[str | None] = mapped_column(String(16))
    tracks: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    content_id: Mapped[UUID]
    waiting_for: Mapped[list[Any]]
    awaits: Mapped[str] = mapped_column(server_default="")
    next_due_on: Mapped[date | None]
    seq: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    lodged_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    __table_args__ = (
        Index("ix_cases_opened_at_audience_id", text("opened_at DESC"), text("audience_id DESC")),
        *(
            Index(f"ix_cases_{column}_opened_at_audience_id", column, text("opened_at DESC"), text("audience_id DESC"))
            for column in FILTERED
        ),
        Index("ix_cases_next_due_on", "next_due_on", sqlite_where=IS_DUE, postgresql_where=IS_DUE),
        Index("ix_cases_updated_at", "updated_at"),
        # On SQLite triggers keep the table `case_search` instead.
        Index("ix_cases_search", text("accord_runs(search)"), postgresql_using="gin").ddl_if(dialect="postgresql"),
        Index(
            "ix_cases_awaits_staff",
            "next_due_on",
            "opened_at",
            "id",
            sqlite_where=AWAITS_STAFF,
            postgresql_where=AWAITS_STAFF,
        ),
    )


class StepTaken(Confidential, Base):
    """A step that was taken, for a party if every party must take it; `voided_at` is when a later step undid it."""

    __tablename__ = "steps_taken"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    step: Mapped[str] = mapped_column(String(64))
    party_id: Mapped[UUID | None]
    stage: Mapped[str] = mapped_column(String(64))
    ground: Mapped[str | None] = mapped_column(String(64))
    position: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[datetime | None]
    received_via: Mapped[str | None] = mapped_column(String(16))
    on: Mapped[date]
    taken_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_steps_taken_case_id", "case_id"),)


class ReferenceNumber(Base):
    """The last reference number of a year; the numbers have neither gaps nor repeats."""

    __tablename__ = "reference_numbers"
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
