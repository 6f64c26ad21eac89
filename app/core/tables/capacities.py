"""Capacities of people in cases."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Capacity(Confidential, Base):
    """A capacity of a person in a case, from `admitted_at` until `ended_at`; `powers_id` is a sealed content.

    `admitted_by` is the person who admitted a representative; the filer of a request was admitted by nobody.
    `generation` is the first one that the person reads. `opening_proposed_by` is who in the registry has proposed to
    open the earlier ones to a representative; a second person of the registry must agree.

    While it is `pending`, until the registry approves the person who was invited, it gives no access; `invited_as` is
    the address by which its holder was invited.
    """

    __tablename__ = "capacities"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    party_id: Mapped[UUID | None]
    appointment_id: Mapped[UUID | None]
    generation: Mapped[int]
    powers_kind: Mapped[str | None] = mapped_column(String(24))
    powers_id: Mapped[UUID | None]
    pending: Mapped[bool] = mapped_column(server_default=false())
    invited_as: Mapped[str | None] = mapped_column(String(320))
    admitted_at: Mapped[datetime]
    admitted_by: Mapped[UUID | None]
    opening_proposed_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
