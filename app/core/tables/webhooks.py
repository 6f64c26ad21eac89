"""Subscriptions to events, their secrets, and the deliveries to them."""

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
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base

_PENDING = text("state = 'pending'")


class Webhook(Base):
    """A subscription of a person or an API client: its receiver, and how far its owner's feed was examined.

    `position` is the position of the event `last_event_id`. During a replay, `replay_last_id` is the last event that
    was examined and `replay_until` the position of the end. `failing` means that the last attempt failed, and
    `held_until` is when the receiver wants the next one.
    """

    __tablename__ = "webhooks"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # A person or an API client, which no foreign key can express.
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
    """A secret that signs the deliveries of a subscription, wrapped by the master key; a replaced one expires."""

    __tablename__ = "webhook_secrets"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(40))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class Delivery(Base):
    """An event for a subscription, with the attempts to send it, the newest last.

    An event has one delivery, and one more for each replay. The deliveries of a `lane` (a case, or a stream of the
    installation) are sent in order of `position`. `tries` and `first_at` belong to the current round of attempts; a
    retry starts a new round. Its sender leases it until `leased_until`.
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
        Index("ix_webhook_deliveries_webhook_id_event_id", "webhook_id", "event_id"),
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
