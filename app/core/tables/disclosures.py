"""Disclosures of earlier audiences to newcomers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Disclosure(Confidential, Base):
    """A proposal to open an earlier audience to newcomers; `opened_at` is when the last party agreed.

    Its own audience is the one that it opens; `generation` is the last generation that reads it then.
    """

    __tablename__ = "disclosures"
    # A party that has left goes on protecting what it knew.
    WRITTEN_BY_LEAVERS = True
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    generation: Mapped[int]
    agreed_by: Mapped[list[Any]] = mapped_column(Json)
    proposed_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_disclosures_case_id_proposed_at_id", "case_id", "proposed_at", "id"),)
