"""Parties to a case, third States that the dispute involves, and consents to mediate."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, exists, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Party(Confidential, Base):
    """A party to the dispute, on a side; `generation` is the first generation of audiences that it reads.

    `reads_until` is the last one: of a party that has withdrawn at `left_at` while the others go on. `earlier` are the
    first and the last generation of each time before, of a party that has withdrawn and come back.
    """

    __tablename__ = "parties"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    side: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(24))
    name: Mapped[str] = mapped_column(String(300))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    participation: Mapped[str] = mapped_column(String(16))
    calendar: Mapped[str | None] = mapped_column(String(16))
    generation: Mapped[int]
    reads_until: Mapped[int | None]
    left_at: Mapped[datetime | None]
    earlier: Mapped[list[Any]] = mapped_column(Json, server_default="[]", default=list)
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        CheckConstraint("participation IN ('appearing', 'not-appearing', 'withdrawn')", name="participation"),
    )


class ThirdState(Confidential, Base):
    """A State that the dispute involves but that is no party; mediation needs its prior consent."""

    __tablename__ = "third_states"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(300))
    member_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    __table_args__ = (UniqueConstraint("case_id", "number"),)


class Consent(Confidential, Base):
    """The consent of a party or of a third State to mediate; it counts once it is confirmed."""

    __tablename__ = "consents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("parties.id"))
    third_state_id: Mapped[UUID | None] = mapped_column(ForeignKey("third_states.id"))
    basis: Mapped[str] = mapped_column(String(24))
    given_on: Mapped[date]
    content_id: Mapped[UUID]
    filed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("(party_id IS NULL) <> (third_state_id IS NULL)", name="of_one"),
        Index("ix_consents_case_id_filed_at_id", "case_id", "filed_at", "id"),
    )


def has_consented(of: type[Party] | type[ThirdState]) -> ColumnElement[bool]:
    """The condition that the party, or the third State, of a statement has a confirmed consent."""
    own = Consent.party_id == Party.id if of is Party else Consent.third_state_id == ThirdState.id
    # By the case as well, since the index of consents begins with it.
    return exists(select(Consent.id).where(Consent.case_id == of.case_id, own, Consent.confirmed_at.is_not(None)))
