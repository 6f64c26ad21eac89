"""Attempts to serve the request, and the service that succeeded."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Service(Confidential, Base):
    """An attempt to serve the request on a party; it succeeded if `served_at` is set, which falls on `served_on`."""

    __tablename__ = "services"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("parties.id"))
    method: Mapped[str] = mapped_column(String(24))
    attempted_on: Mapped[date]
    served_at: Mapped[datetime | None]
    served_on: Mapped[date | None]
    content_id: Mapped[UUID]
    recorded_at: Mapped[datetime]
    __table_args__ = (Index("ix_services_case_id_recorded_at_id", "case_id", "recorded_at", "id"),)
