"""Filings: formal submissions in a case."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json
from app.core.tables.audiences import Confidential


class Filing(Confidential, Base):
    """A formal submission; only its author's side reads a draft, which names the audience it is addressed to.

    `listed_at` orders lists: it is the instant of drafting, and of receipt once others may know of the filing. A filing
    on paper has `received_via`, and `entered_at` when the registry entered it. A docketed filing has a `docket_number`
    in its audience and is `pending`, `accepted` or `returned` (with coded `reasons`, and a note in the content
    `decision_id`). `resubmits_id` is the returned filing that this one corrects, `redacts_id` the filing whose redacted
    twin it is, and `joined_by` are the other parties that join it. A draft with `discarded_at` exists for nobody;
    one that its author has shared with their side has `shared_at`. Of one that was `withdrawn_at` some instant its own
    side alone reads title and text; its content is `withdrawal_id`.
    """

    __tablename__ = "filings"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(16))
    audience_name: Mapped[str] = mapped_column(String(24))
    party_ids: Mapped[list[Any]] = mapped_column(Json)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author_party_id: Mapped[UUID | None]
    content_id: Mapped[UUID]
    listed_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    received_via: Mapped[str | None] = mapped_column(String(16))
    entered_at: Mapped[datetime | None]
    effective_on: Mapped[date | None]
    docket_number: Mapped[int | None]
    docketing: Mapped[str | None] = mapped_column(String(16))
    decided_at: Mapped[datetime | None]
    reasons: Mapped[list[Any]] = mapped_column(Json, server_default="[]", default=list)
    decision_id: Mapped[UUID | None]
    resubmits_id: Mapped[UUID | None]
    redacts_id: Mapped[UUID | None]
    joined_by: Mapped[list[Any]] = mapped_column(Json, server_default="[]", default=list)
    discarded_at: Mapped[datetime | None]
    shared_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_id: Mapped[UUID | None]
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'submitted')", name="state"),
        Index("ix_filings_case_id_listed_at_id", "case_id", "listed_at", "id"),
    )
