"""Outbox of deliveries: which are due, claims on them, and the bodies to send."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import aliased

from app.core.access.session import GatedSession
from app.core.db import AnySelect
from app.core.ledger import feed
from app.core.ledger.schemas import FeedEventOut
from app.core.tables.webhooks import Delivery, Webhook, WebhookSecret
from app.integration.webhooks.schemas import TEST_TYPE, TestDataOut, TestEventOut

# Events that are under way to one receiver at a time; to a receiver that failed, one.
AT_ONCE, AT_ONCE_WHILE_FAILING = 8, 1
# Senders renew their claims; the claims of a killed worker expire after this.
LEASE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery that this process has claimed: all that sending needs except the event itself."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    attempt: int
    created_at: datetime
    url: str
    secrets: tuple[bytes, ...]
    failing: bool


def _due(now: datetime) -> tuple[Any, ...]:
    free = or_(Delivery.leased_until.is_(None), Delivery.leased_until <= now)
    return Delivery.state == "pending", Delivery.next_attempt_at <= now, free


def due(now: datetime) -> AnySelect:
    """Active subscriptions with a delivery that is due, except those whose receiver asked for a pause."""
    pending = exists(select(Delivery.id).where(Delivery.webhook_id == Webhook.id, *_due(now)))
    unpaused = or_(Webhook.held_until.is_(None), Webhook.held_until <= now)
    columns = (Webhook.id, Webhook.url, Webhook.failing)
    return select(*columns).where(Webhook.state == "active", unpaused, pending).order_by(Webhook.id)


def is_anything_due(db: GatedSession, now: datetime) -> bool:
    """Whether there may be something to send."""
    return db.execute(due(now).limit(1)).first() is not None


def claim(
    db: GatedSession, now: datetime, under_way: Collection[DeliveryClaim], last_served: Mapping[UUID, int], most: int
) -> list[DeliveryClaim]:
    """Claim deliveries that are due, in order within each lane and fairly between receivers.

    At most `most` are under way at once, those in `under_way` included; receivers that failed share half of them.
    `last_served` says in which turn each receiver was served last.
    """
    claims: list[DeliveryClaim] = []
    busy = Counter(claim.webhook_id for claim in under_way)
    under_way_ids = [claim.id for claim in under_way]
    slots, failing_slots = most - len(under_way_ids), most // 2 - sum(claim.failing for claim in under_way)
    hooks = db.execute(due(now)).all()
    for hook in sorted(hooks, key=lambda hook: (busy.get(hook.id, 0), last_served.get(hook.id, 0))):
        if slots <= 0:
            break
        room = min((AT_ONCE_WHILE_FAILING if hook.failing else AT_ONCE) - busy.get(hook.id, 0), slots)
        if hook.failing:
            room = min(room, failing_slots)
        rows = db.execute(_first_of_each_lane(now, hook.id, room, under_way_ids)).all() if room > 0 else []
        if not rows:
            continue
        secrets = _secrets(db, now, hook.id)
        slots -= len(rows)
        failing_slots -= len(rows) if hook.failing else 0
        claims += [
            DeliveryClaim(
                row.id, hook.id, row.event_id, row.type, row.tries + 1, row.created_at, hook.url, secrets, hook.failing
            )
            for row in rows
        ]
    renew(db, now, [claim.id for claim in claims])
    return claims


def _first_of_each_lane(now: datetime, webhook_id: UUID, room: int, under_way: list[UUID]) -> AnySelect:
    """Due deliveries that are first in their lane and not under way in this process, whatever their lease says."""
    earlier = aliased(Delivery)
    before = exists(
        select(earlier.id).where(
            earlier.webhook_id == Delivery.webhook_id,
            earlier.lane == Delivery.lane,
            earlier.state == "pending",
            earlier.position < Delivery.position,
        )
    )
    columns = (Delivery.id, Delivery.event_id, Delivery.type, Delivery.tries, Delivery.created_at)
    free = (Delivery.webhook_id == webhook_id, *_due(now), ~before, Delivery.id.not_in(under_way))
    return (
        select(*columns)
        .where(*free)
        .order_by(Delivery.position)
        .limit(room)
        .with_for_update(skip_locked=True, of=Delivery)
    )


def _secrets(db: GatedSession, now: datetime, webhook_id: UUID) -> tuple[bytes, ...]:
    valid = or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now)
    secrets = select(WebhookSecret.wrapped).where(WebhookSecret.webhook_id == webhook_id, valid)
    newest_first = db.execute(secrets.order_by(WebhookSecret.created_at.desc())).scalars()
    return tuple(db.sealer.unwrap(wrapped) for wrapped in newest_first)


def renew(db: GatedSession, now: datetime, ids: Collection[UUID]) -> None:
    """Extend the lease of deliveries that are still under way."""
    if ids:
        lease = update(Delivery).where(Delivery.id.in_(ids)).values(leased_until=now + LEASE)
        db.execute(lease.execution_options(synchronize_session=False))


def release_all(db: GatedSession) -> None:
    """End every lease; only for an installation with one process, whose predecessor has ended."""
    lease = update(Delivery).where(Delivery.leased_until.is_not(None)).values(leased_until=None)
    db.execute(lease.execution_options(synchronize_session=False))


def bodies(db: GatedSession, claims: Sequence[DeliveryClaim]) -> dict[UUID, bytes]:
    """Bodies to send, by claim, of the events that the owner may still read; the session reads as the owner."""
    tests = {claim.id: _test_event(claim) for claim in claims if claim.type == TEST_TYPE}
    event_ids = {claim.event_id for claim in claims if claim.id not in tests}
    events = feed.events_of(db, event_ids) if event_ids else {}
    readable: dict[UUID, FeedEventOut | TestEventOut] = {
        claim.id: events[claim.event_id] for claim in claims if claim.event_id in events
    }
    return {id: event.model_dump_json(by_alias=True).encode() for id, event in (readable | tests).items()}


def _test_event(claim: DeliveryClaim) -> TestEventOut:
    data = TestDataOut(webhook_id=claim.webhook_id)
    source = f"/v1/webhooks/{claim.webhook_id}"
    return TestEventOut(id=claim.event_id, source=source, time=claim.created_at, data=data)
