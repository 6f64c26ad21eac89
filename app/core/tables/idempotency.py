"""What is remembered of requests that came with an idempotency key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json


class IdempotencyRecord(Base):
    """A key of one principal: the request's fingerprint and, of its success, the status and the ids; no content."""

    __tablename__ = "idempotency_records"
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    ids: Mapped[list[Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_idempotency_records_created_at", "created_at"),)
