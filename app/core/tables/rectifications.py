"""Rectifications of events."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Rectification(Confidential, Base):
    """What an event should have said, for the audience of the event, which itself stays unchanged."""

    __tablename__ = "rectifications"
    WRITTEN_AT = "rectified_at"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    event_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    content_id: Mapped[UUID]
    rectified_at: Mapped[datetime]
    __table_args__ = (Index("ix_rectifications_case_id_rectified_at_id", "case_id", "rectified_at", "id"),)
