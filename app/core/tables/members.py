"""Members of the institution's convention."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Member(Base):
    """A State or organisation that signed the convention, is or was bound by it, or is an observer.

    The days from `ratified_on` to `ceases_on` are those of its latest membership; `earlier_periods` has those before.
    """

    __tablename__ = "members"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    signed_on: Mapped[date | None]
    ratified_on: Mapped[date | None]
    acceded_on: Mapped[date | None]
    in_force_on: Mapped[date | None]
    withdrawal_notified_on: Mapped[date | None]
    ceases_on: Mapped[date | None]
    earlier_periods: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    founding: Mapped[bool]
    declarations: Mapped[list[Any]]
    designations: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    calendar: Mapped[str | None] = mapped_column(String(16))
    standing: Mapped[str | None] = mapped_column(String(16))
    source: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("kind IN ('state', 'organisation')", name="kind"),
        CheckConstraint("status IN ('contracting', 'signatory', 'observer')", name="status"),
        Index("ix_members_created_at_id", "created_at", "id"),
    )
