"""Idempotency keys, with the outcomes of their requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json


class IdempotencyRecord(Base):
    """A key of a principal: the fingerprint of its request and, after a success, the status and ids, but no content."""

    __tablename__ = "idempotency_records"
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    ids: Mapped[list[Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_idempotency_records_created_at", "created_at"),)
