"""What each person wants to be told by mail, how far their feed was looked through, and each mail."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

KINDS = ("news", "deadline", "invitation", "nomination")
STATES = ("pending", "sent", "skipped", "bounced", "failed")
_PENDING = text("state = 'pending'")
_SHOWN = text("state IN ('bounced', 'failed')")


class NoticeChoice(Base):
    """What a person wants to be told; who has chosen nothing has no row."""

    __tablename__ = "notice_choices"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    news: Mapped[str] = mapped_column(String(8), server_default="daily")
    deadlines: Mapped[bool] = mapped_column(server_default=true())
    language: Mapped[str] = mapped_column(String(8), server_default="en")
    __table_args__ = (CheckConstraint("news IN ('at-once', 'daily', 'never')", name="news"),)


class NoticeMark(Base):
    """Up to which event a person's feed was looked through for what to tell them."""

    __tablename__ = "notice_marks"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class Notice(Base):
    """One mail to one person; what it says is found out when it is sent.

    News are the events after `after` up to `until` in the person's feed; others are about `subject_id`. Whoever sends
    it holds it until `leased_until`. What came back is shown to the registry by the day alone (`settled_on`): the
    instant of a mail would tell when something happened of which the registry may not know.
    """

    __tablename__ = "notices"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(32))
    subject_id: Mapped[UUID | None]
    after: Mapped[int | None] = mapped_column(BigInteger)
    until: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    tries: Mapped[int]
    first_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_on: Mapped[date | None]
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_notices_pending_due_at", "due_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_notices_pending_user_id", "user_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_notices_shown_settled_on_id", "settled_on", "id", sqlite_where=_SHOWN, postgresql_where=_SHOWN),
        Index("ix_notices_settled_at", "settled_at"),
    )
