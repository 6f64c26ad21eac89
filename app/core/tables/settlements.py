"""Drafts of a settlement, and their signatures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Draft(Confidential, Base):
    """A text of the settlement, with sealed clauses and possibly documents; the frozen text is signed.

    The hash of the whole text is computed on request. A draft of one side has `shared_at` once its author shared it.
    """

    __tablename__ = "settlement_drafts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    version: Mapped[int]
    replaces_id: Mapped[UUID | None]
    language: Mapped[str] = mapped_column(String(35))
    audience_name: Mapped[str] = mapped_column(String(24))
    party_ids: Mapped[list[Any]] = mapped_column(Json)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    # Missing for the drafts of mediators, and for those of parties from before it was kept.
    author_party_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(16))
    settles: Mapped[str] = mapped_column(String(8), server_default="whole")
    content_id: Mapped[UUID]
    drafted_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]
    shared_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'frozen', 'superseded')", name="state"),
        Index("ix_settlement_drafts_case_id_drafted_at_id", "case_id", "drafted_at", "id"),
    )


class Signature(Confidential, Base):
    """A party's signature under a frozen text; `voided_at` is when another text was frozen after it.

    A signature on paper has `received_via`; a sealed content names its signer, and `signer_id` entered it.
    """

    __tablename__ = "settlement_signatures"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_drafts.id"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    signer_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    capacity: Mapped[str] = mapped_column(String(32))
    signed_at: Mapped[datetime]
    received_via: Mapped[str | None] = mapped_column(String(16))
    content_id: Mapped[UUID | None]
    voided_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_settlement_signatures_case_id_signed_at_id", "case_id", "signed_at", "id"),)
