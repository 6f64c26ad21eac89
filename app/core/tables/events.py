"""Events, chained by hash within each audience, and the feeds that list them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential

# A party that has left goes on protecting what it knew, so it hears who is to read that.
DISCLOSURES = ("disclosure-proposed", "disclosure-agreed", "disclosure-opened")


class Event(Confidential, Base):
    """An act as its audience may know it; triggers refuse every change. No answer shows `position`."""

    __tablename__ = "events"
    WRITTEN_AT = "at"
    READ_BY_LEAVERS = DISCLOSURES
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    audience_id: Mapped[UUID] = mapped_column(ForeignKey("audiences.id"))
    case_id: Mapped[UUID | None] = mapped_column(index=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(64))
    act: Mapped[str] = mapped_column(String(64))
    article: Mapped[str | None] = mapped_column(String(200))
    actor: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    content_id: Mapped[UUID | None]
    commitment: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    __table_args__ = (UniqueConstraint("audience_id", "seq"),)


class FeedEntry(Base):
    """An event in the feed of a principal, written at the seal for every reader of the event's audience."""

    __tablename__ = "feed_entries"
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: events are never removed, and its check would run under the lock of the seal.
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


@dataclass(slots=True)
class Note:
    """An event that is recorded but not sealed, so that it has no place in its stream yet."""

    id: UUID
    case_id: UUID | None
    audience_id: UUID
    audience: str
    type: str
    act: str
    article: str | None
    actor: dict[str, Any]
    at: datetime
    payload: dict[str, Any]
    content_id: UUID | None
    commitment: bytes | None
    seq: int = 0
    previous_hash: bytes | None = None
    hash: bytes = b""
