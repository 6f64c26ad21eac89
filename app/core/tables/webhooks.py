"""Subscriptions, their secrets, and what was sent to whom and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

_PENDING = text("state = 'pending'")


class Webhook(Base):
    """A subscription of a person or a program: where its events go, and how far its owner's feed was looked through.

    `position` is that of the event `last_event_id`; both move together. While a range is sent again, `replay_last_id`
    is the last event of it that was looked at and `replay_until` the position of its end. `failing` says that the last
    attempt failed, `held_until` that the receiver asked for patience.
    """

    __tablename__ = "webhooks"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # A person or a program: no foreign key can say that.
    owner_id: Mapped[UUID]
    owner_kind: Mapped[str] = mapped_column(String(8))
    url: Mapped[str] = mapped_column(String(2000))
    types: Mapped[list[str]]
    case_id: Mapped[UUID | None]
    description: Mapped[str | None] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    last_event_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger)
    replay_last_id: Mapped[UUID | None]
    replay_until: Mapped[int | None] = mapped_column(BigInteger)
    failing: Mapped[bool] = mapped_column(server_default=false())
    held_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("owner_kind IN ('user', 'client')", name="owner_kind"),
        CheckConstraint("state IN ('active', 'paused', 'disabled')", name="state"),
        Index("ix_webhooks_owner_id_created_at_id", "owner_id", "created_at", "id"),
    )


class WebhookSecret(Base):
    """A secret that signs what a subscription sends, wrapped by the master key; one that was replaced has an end."""

    __tablename__ = "webhook_secrets"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(40))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Delivery(Base):
    """One event for one subscription, and every attempt to send it, newest last.

    Those of one `lane` (a case, or a stream of the installation) go out one after the other, by `position`. `tries`
    and `first_at` belong to the present round of attempts, which a retry begins anew. Whoever sends it holds it until
    `leased_until`.
    """

    __tablename__ = "webhook_deliveries"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id"))
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(String(64))
    lane: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    tries: Mapped[int]
    first_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[list[Any]]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed', 'skipped')", name="state"),
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_webhook_deliveries_webhook_id_created_at_id", "webhook_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_pending_lane",
            "webhook_id",
            "lane",
            "position",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index(
            "ix_webhook_deliveries_pending_due",
            "webhook_id",
            "next_attempt_at",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index("ix_webhook_deliveries_settled_at", "settled_at"),
    )
