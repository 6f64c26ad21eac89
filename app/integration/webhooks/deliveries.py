"""Deliveries of a subscription as its owner reads, tests, replays and retries them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, NotFound, invalid
from app.core.ledger import feed
from app.core.paging import Page, Sort, listed
from app.core.tables.events import Event
from app.core.tables.webhooks import Delivery
from app.integration.webhooks.schemas import TEST_TYPE, DeliveryList, DeliveryOut, DeliveryState, ReplayIn
from app.integration.webhooks.service import lock_webhook, read_webhook, require_active

_DELIVERY = (
    Delivery.id,
    Delivery.webhook_id,
    Delivery.event_id,
    Delivery.type,
    Delivery.state,
    Delivery.reason,
    Delivery.next_attempt_at,
    Delivery.attempts,
    Delivery.created_at,
    Delivery.settled_at,
)


def test(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID, UUID]:
    """Send a test event, which is not in the ledger.

    Raises NotFound for a subscription of another owner, and Conflict unless it is active and no test is pending.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    require_active(webhook)
    pending_test = (Delivery.webhook_id == webhook_id, Delivery.type == TEST_TYPE, Delivery.state == "pending")
    if db.execute(select(Delivery.id).where(*pending_test)).first() is not None:
        raise Conflict("A test event is already pending: wait for its delivery to end.", "test-pending")
    id = new_id(db)
    db.add(
        Delivery(
            id=new_id(db),
            webhook_id=webhook_id,
            event_id=id,
            type=TEST_TYPE,
            # A lane of its own: it neither waits for other deliveries nor delays them.
            lane=id,
            position=0,
            state="pending",
            tries=0,
            next_attempt_at=now,
            attempts=[],
            created_at=now,
        )
    )
    db.flush()
    delivery_id = db.execute(select(Delivery.id).where(Delivery.event_id == id)).scalar_one()
    return webhook_id, delivery_id


def replay(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, event_range: ReplayIn) -> tuple[UUID]:
    """Send a range of the actor's feed again, under the events' original ids.

    Raises NotFound for a subscription of another owner, Invalid for an event that the actor may not read or a range
    that ends before it begins, and Conflict unless the subscription is active and no other replay runs.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    after = _position(db, event_range.after, "/after") if event_range.after else 0
    until = _position(db, event_range.until, "/until") if event_range.until else webhook.position
    if event_range.until and until <= after:
        raise invalid("/until", "range", "The event in `until` must come after the event in `after`.")
    require_active(webhook)
    if webhook.replay_last_id is not None:
        raise Conflict("A replay is already running: wait until `replaying` is false.", "replaying")
    webhook.replay_last_id, webhook.replay_until = event_range.after or feed.BEGINNING, until
    db.flush()
    return (webhook_id,)


def _position(db: GatedSession, event_id: UUID, pointer: str) -> int:
    position = db.execute(select(Event.position).where(Event.id == event_id)).scalar_one_or_none()
    if position is None:
        raise invalid(pointer, "unknown-event", "Use the id of an event that you can read.")
    return position


def list_deliveries(
    db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, page: Page, state: DeliveryState | None = None
) -> DeliveryList:
    """List past and pending deliveries of the actor's subscription, newest first; NotFound for another owner's."""
    read_webhook(db, actor, now, webhook_id)
    statement = select(*_DELIVERY).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    listing = listed(db, statement, page, Sort(Delivery.created_at, Delivery.id, datetime, newest_first=True))
    items = [DeliveryOut.model_validate(row) for row in listing.rows]
    return DeliveryList(items=items, next=listing.next, count=listing.count)


def read_delivery(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Read one delivery with its attempts; NotFound for another owner's."""
    read_webhook(db, actor, now, webhook_id)
    own = (Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    row = db.execute(select(*_DELIVERY).where(*own)).one_or_none()
    if row is None:
        raise NotFound
    return DeliveryOut.model_validate(row)


def retry(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, delivery_id: UUID) -> tuple[UUID, UUID]:
    """Send one event again at once, and restart its schedule of attempts.

    Raises NotFound for another owner's delivery, and Conflict if it was delivered or the subscription is not active.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    own = (Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    statement = select(Delivery).where(*own).with_for_update()
    delivery = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if delivery is None:
        raise NotFound
    if delivery.state == "delivered":
        raise Conflict("The receiver has already accepted this event; use a replay to send it again.", "delivery-state")
    require_active(webhook)
    restart(delivery, now)
    db.flush()
    return webhook_id, delivery_id


def restart(delivery: Delivery, now: datetime) -> None:
    """Restart a delivery's schedule of attempts now."""
    delivery.state, delivery.reason, delivery.settled_at = "pending", None, None
    delivery.tries, delivery.first_at, delivery.next_attempt_at = 0, None, now
