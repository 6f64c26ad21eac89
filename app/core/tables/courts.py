"""Courts, their referrals, and what passed between them and the registry."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Court(Base):
    """A court that refers cases; its id is the principal under which its API clients read."""

    __tablename__ = "courts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    jurisdiction: Mapped[str] = mapped_column(String(300))
    place: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(64))
    calendar: Mapped[str | None] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(server_default=true(), default=True)
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_courts_created_at_id", "created_at", "id"),)


class Referral(Confidential, Base):
    """A case that a court refers; its audience are the court, the staff, and the institution's API clients.

    `content_id` is the content of what the court wrote, `answer_id` of the registry's answer, and `report_id` of the
    report. `phase` is the last phase that was reported to the court, `suspensions` are the periods in which its clock
    stood still, and `dates_shared_by` are the parties that share the dates of joint sessions with it.
    `earlier_referral_id` is a referral of the same court with the same case number, however it is written; those with
    another `number_bucket` have another number.
    """

    __tablename__ = "referrals"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    court_id: Mapped[UUID] = mapped_column(ForeignKey("courts.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    return_on: Mapped[date]
    content_id: Mapped[UUID]
    answer_id: Mapped[UUID | None]
    report_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"), unique=True)
    phase: Mapped[str | None] = mapped_column(String(32))
    suspensions: Mapped[list[Any]] = mapped_column(Json)
    dates_shared_by: Mapped[list[Any]] = mapped_column(Json)
    number_bucket: Mapped[int | None]
    earlier_referral_id: Mapped[UUID | None]
    received_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("court_id", "external_id"),
        CheckConstraint("state IN ('received', 'more-asked', 'accepted', 'declined', 'withdrawn')", name="state"),
        Index("ix_referrals_court_id_received_at_id", "court_id", "received_at", "id"),
        Index("ix_referrals_received_at_id", "received_at", "id"),
    )


class OrderFile(Confidential, Base):
    """An order of a court as a file, sealed with the referral's key; the last one counts.

    `size` (in bytes) and `sha256` are those of the plain file. Its name is a sealed content.
    """

    __tablename__ = "order_files"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    referral_id: Mapped[UUID] = mapped_column(ForeignKey("referrals.id"))
    number: Mapped[int]
    content_id: Mapped[UUID]
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    object_key: Mapped[str] = mapped_column(String(64), unique=True)
    stored_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("referral_id", "number"),)


class CourtPaper(Confidential, Base):
    """A paper that the court or the registry sent about a case, for the participants to read."""

    __tablename__ = "court_papers"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    content_id: Mapped[UUID]
    at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        CheckConstraint("kind IN ('received', 'amended', 'extended', 'withdrawn', 'reported')", name="kind"),
    )
