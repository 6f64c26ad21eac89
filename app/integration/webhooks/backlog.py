"""Backlog of deliveries: counts what waits, forgets what is old, and pauses all sending after a restore."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from app.core.access.session import GatedSession
from app.core.tables.webhooks import Delivery, Webhook
from app.integration.webhooks.feed_collection import MOST_PENDING

KEPT = timedelta(days=30)


_PAUSED_AFTER_A_RESTORE = {"state": "paused", "reason": "restored"}


def forget(db: GatedSession, now: datetime) -> int:
    """Delete deliveries that were settled long ago; return how many."""
    old = select(Delivery.id).where(Delivery.settled_at < now - KEPT).limit(MOST_PENDING)
    ids = db.execute(old.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        outdated = delete(Delivery).where(Delivery.id.in_(ids))
        db.execute(outdated.execution_options(synchronize_session=False))
    return len(ids)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Numbers of pending and failed deliveries, and the age in seconds of the oldest that could have been sent."""

    pending: int
    failed: int
    lag: float


def backlog(db: GatedSession, now: datetime, most: int) -> Backlog:
    """Measure the backlog; counts at most `most` deliveries of each state."""
    counts = {
        state: len(db.execute(select(Delivery.id).where(Delivery.state == state).limit(most)).all())
        for state in ("pending", "failed")
    }
    unpaused = or_(Webhook.held_until.is_(None), Webhook.held_until <= now)
    # Deliveries to a failing receiver wait for their next attempt and are not late.
    first_due = select(func.min(Delivery.next_attempt_at)).join(Webhook, Webhook.id == Delivery.webhook_id)
    sendable = (Webhook.state == "active", Webhook.failing.is_(False), unpaused)
    oldest = db.execute(
        first_due.where(*sendable, Delivery.state == "pending", Delivery.next_attempt_at <= now)
    ).scalar()
    return Backlog(counts["pending"], counts["failed"], (now - oldest).total_seconds() if oldest else 0.0)


def pause_all() -> Any:
    """Statement after which a restored registry sends nothing until owners resume their subscriptions."""
    return update(Webhook).where(Webhook.state == "active").values(**_PAUSED_AFTER_A_RESTORE)
