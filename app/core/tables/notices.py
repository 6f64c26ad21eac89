"""Notices by mail: the choices of people, how far their feeds were examined, and the mails."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

KINDS = ("news", "deadline", "invitation", "nomination", "account")
STATES = ("pending", "sent", "skipped", "bounced", "failed")
_PENDING = text("state = 'pending'")
_SHOWN = text("state IN ('bounced', 'failed')")


class NoticeChoice(Base):
    """The notices that a person chose; without a choice there is no row."""

    __tablename__ = "notice_choices"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    news: Mapped[str] = mapped_column(String(8), server_default="daily")
    deadlines: Mapped[bool] = mapped_column(server_default=true())
    language: Mapped[str] = mapped_column(String(8), server_default="en")
    __table_args__ = (CheckConstraint("news IN ('at-once', 'daily', 'never')", name="news"),)


class NoticeMark(Base):
    """The last event of a person's feed that was examined for notices."""

    __tablename__ = "notice_marks"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class Notice(Base):
    """A mail to a person; its text is written when it is sent.

    A notice of news covers the events after `after` up to `until` in the person's feed; others are about `subject_id`,
    and go to `address` instead of the person's own address if there is one.
    Its sender leases it until `leased_until`. The registry sees only the day on which it was settled (`settled_on`):
    the instant could reveal when something happened that the registry may not know of.
    """

    __tablename__ = "notices"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(32))
    subject_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(String(320))
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
