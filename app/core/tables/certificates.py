"""Receipts and certificates, as they were signed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Certificate(Confidential, Base):
    """A document that the institution signed: its body is a sealed content, and `signature` signs its canonical form.

    `kind` is `receipt` (of the filing `filing_id`), `settlement` or `non-settlement`.
    """

    __tablename__ = "certificates"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(24))
    filing_id: Mapped[UUID | None] = mapped_column(ForeignKey("filings.id"), unique=True)
    content_id: Mapped[UUID]
    key_id: Mapped[UUID] = mapped_column(ForeignKey("signing_keys.id"))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    issued_at: Mapped[datetime]
    __table_args__ = (Index("ix_certificates_case_id_issued_at_id", "case_id", "issued_at", "id"),)
