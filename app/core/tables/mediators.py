"""The roster of mediators, and their appointments in cases."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Mediator(Base):
    """A person on the roster of the institution."""

    __tablename__ = "mediators"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), unique=True)
    nationalities: Mapped[list[str]]
    languages: Mapped[list[str]]
    expertise: Mapped[list[str]]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_mediators_created_at_id", "created_at", "id"),)


class Appointment(Confidential, Base):
    """A nomination of a mediator: proposed, declared and confirmed; or declined, or closed with the case.

    `accepted_by` are the parties that accepted it, `content_id` is the copy of title and parties that the candidate
    reads, and `disclosures_id` the content of what the candidate disclosed. `earlier_declarations` are those that the
    present one has replaced, and `objections` those of parties, each with its instant and the id of its content.
    """

    __tablename__ = "appointments"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    mediator_id: Mapped[UUID] = mapped_column(ForeignKey("mediators.id"))
    state: Mapped[str] = mapped_column(String(16))
    independent: Mapped[bool | None]
    accepted_by: Mapped[list[Any]] = mapped_column(Json)
    content_id: Mapped[UUID]
    disclosures_id: Mapped[UUID | None]
    earlier_declarations: Mapped[list[Any]] = mapped_column(Json, server_default="[]", default=list)
    objections: Mapped[list[Any]] = mapped_column(Json, server_default="[]", default=list)
    proposed_at: Mapped[datetime]
    declared_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(
            "state IN ('proposed', 'declared', 'confirmed', 'declined', 'closed', 'resigned', 'replaced')", name="state"
        ),
        Index("ix_appointments_case_id_proposed_at_id", "case_id", "proposed_at", "id"),
        Index("ix_appointments_mediator_id", "mediator_id"),
        Index(
            "uq_appointments_live",
            "case_id",
            "mediator_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
