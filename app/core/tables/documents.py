"""Documents, and the reads of confidential ones."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential

# The states of documents that are kept; the bytes of the others are deleted.
KEPT = ("stored", "quarantined")


class Document(Confidential, Base):
    """An uploaded file: its sealed bytes are in the storage as `object_key`, and its name is a sealed content.

    `size` (in bytes) and `sha256` are those of the plain file. It belongs to a filing, or to a draft of a settlement.
    Nobody can read it while it is `quarantined`. `language` is a code; `relation` is its relation to `related_id`.
    One that was `withdrawn_at` some instant is read by its side alone; its content is `withdrawal_id`.
    """

    __tablename__ = "documents"
    WRITTEN_AT = "stored_at"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    filing_id: Mapped[UUID | None] = mapped_column(ForeignKey("filings.id"))
    draft_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlement_drafts.id"))
    number: Mapped[int]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author_party_id: Mapped[UUID | None]
    content_id: Mapped[UUID]
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    language: Mapped[str | None] = mapped_column(String(35))
    relation: Mapped[str] = mapped_column(String(24))
    related_id: Mapped[UUID | None]
    version: Mapped[int]
    replaces_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(String(16))
    object_key: Mapped[str] = mapped_column(String(64), unique=True)
    stored_at: Mapped[datetime]
    scanned_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_id: Mapped[UUID | None]
    __table_args__ = (
        CheckConstraint("state IN ('stored', 'quarantined', 'refused', 'removed')", name="state"),
        CheckConstraint("(filing_id IS NULL) <> (draft_id IS NULL)", name="of_one"),
        Index("ix_documents_case_id_stored_at_id", "case_id", "stored_at", "id"),
        Index("ix_documents_filing_id", "filing_id"),
    )


class DocumentAccess(Confidential, Base):
    """A read of a confidential document by somebody other than its author; rows are added and never changed."""

    __tablename__ = "accesses"
    WRITTEN_AT = "read_at"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    read_at: Mapped[datetime]
    bytes_from: Mapped[int] = mapped_column(BigInteger)
    bytes_until: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index("ix_accesses_case_id_read_at_id", "case_id", "read_at", "id"),)
