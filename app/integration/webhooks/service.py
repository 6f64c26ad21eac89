"""Subscriptions as their owners keep them, and what they are shown of the deliveries."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id, random_bytes
from app.core.errors import Conflict, NotFound, invalid
from app.core.ledger import feed
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.events import Event
from app.core.tables.webhooks import Delivery, Webhook, WebhookSecret
from app.integration.webhooks.schemas import (
    TEST_TYPE,
    DeliveryList,
    DeliveryOut,
    DeliveryState,
    ReplayIn,
    WebhookChange,
    WebhookIn,
    WebhookList,
    WebhookMinted,
    WebhookOut,
    WebhookSecretOut,
)

MOST_OF_ONE_OWNER = 20
SECRET, SECRET_BYTES = "whsec_", 32
# How long a secret still signs after it was replaced.
TRANSITION = timedelta(hours=24)
_WEBHOOK = (
    Webhook.id,
    Webhook.url,
    Webhook.types,
    Webhook.case_id,
    Webhook.description,
    Webhook.state,
    Webhook.reason,
    Webhook.replay_last_id,
    Webhook.created_at,
)
_SECRET = (WebhookSecret.id, WebhookSecret.webhook_id, WebhookSecret.created_at, WebhookSecret.expires_at)
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


def may_subscribe(db: GatedSession, actor: Actor, now: datetime) -> None:
    """Everybody may subscribe who comes this far: to what they may read."""


def list_webhooks(db: GatedSession, actor: Actor, now: datetime, page: Page) -> WebhookList:
    """The actor's own subscriptions."""
    mine = select(*_WEBHOOK).where(Webhook.owner_id == actor.id)
    found = listed(db, mine, page, Sort(Webhook.created_at, Webhook.id, datetime))
    return WebhookList(items=_out(db, now, found.rows), next=found.next, count=found.count)


def read_webhook(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> WebhookOut:
    """One of the actor's own subscriptions; NotFound for somebody else's."""
    mine = (Webhook.id == webhook_id, Webhook.owner_id == actor.id)
    row = db.execute(select(*_WEBHOOK).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, now, [row])[0]


def read_minted(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> WebhookMinted:
    """The subscription whose secret this very transaction made, with that secret."""
    secrets = db.secrets
    return WebhookMinted(secret=secrets[webhook_id], **dict(read_webhook(db, actor, now, webhook_id)))


def _out(db: GatedSession, now: datetime, rows: Sequence[AnyRow]) -> list[WebhookOut]:
    lives = (WebhookSecret.expires_at.is_(None)) | (WebhookSecret.expires_at > now)
    theirs = select(*_SECRET).where(WebhookSecret.webhook_id.in_([row.id for row in rows]), lives)
    secrets: dict[UUID, list[WebhookSecretOut]] = {row.id: [] for row in rows}
    for secret in db.execute(theirs.order_by(WebhookSecret.created_at, WebhookSecret.id)):
        secrets[secret.webhook_id].append(WebhookSecretOut.model_validate(secret))
    return [
        WebhookOut(
            id=row.id,
            url=row.url,
            types=row.types,
            case_id=row.case_id,
            description=row.description,
            state=row.state,
            reason=row.reason,
            replaying=row.replay_last_id is not None,
            created_at=row.created_at,
            secrets=secrets[row.id],
        )
        for row in rows
    ]


def subscribe(db: GatedSession, actor: Actor, now: datetime, given: WebhookIn) -> tuple[UUID]:
    """Begin to send what the actor may know of, from now on, to an address that the guard has judged.

    Raises Invalid for a case that the actor does not see, and Conflict for more subscriptions than one owner has.
    """
    _must_see(db, given.case_id)
    if len(db.execute(select(Webhook.id).where(Webhook.owner_id == actor.id)).all()) >= MOST_OF_ONE_OWNER:
        raise Conflict(f"You have {MOST_OF_ONE_OWNER} subscriptions: remove one of them first.", "too-many-webhooks")
    last = feed.latest_of(db, actor.principals)
    webhook = Webhook(
        id=new_id(db),
        owner_id=actor.id,
        owner_kind="client" if actor.role == "client" else "user",
        state="active",
        last_event_id=last,
        position=feed.position_of(db, last),
        created_at=now,
        **given.model_dump(),
    )
    db.add(webhook)
    db.flush()
    _record(db, now, actor, webhook, "webhook-added", "add")
    _mint(db, now, actor, webhook)
    return (webhook.id,)


def amend(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, given: WebhookChange) -> tuple[UUID]:
    """Change a subscription, pause it, or let it go on where it stood.

    Raises NotFound for somebody else's, and Invalid for a case that the actor does not see.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    changes = given.model_dump(exclude_unset=True)
    _must_see(db, changes.get("case_id"))
    for name, value in changes.items():
        setattr(webhook, name, value)
    if "state" in changes:
        webhook.reason = None
    if "url" in changes or "state" in changes:
        webhook.failing, webhook.held_until = False, None
    db.flush()
    _record(db, now, actor, webhook, "webhook-changed", "change", changed=sorted(changes))
    return (webhook_id,)


def remove(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID]:
    """Remove a subscription with all that was to be sent and the log of what was; NotFound for somebody else's."""
    webhook = lock_webhook(db, actor, webhook_id)
    _record(db, now, actor, webhook, "webhook-removed", "remove")
    for table in (Delivery, WebhookSecret):
        gone = delete(table).where(table.webhook_id == webhook_id)
        db.execute(gone.execution_options(synchronize_session=False))
    db.delete(webhook)
    db.flush()
    return (webhook_id,)


def rotate_secret(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID]:
    """Make another secret; the one before signs beside it for a day, and one before that no more.

    Raises NotFound for somebody else's subscription.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    mine = WebhookSecret.webhook_id == webhook_id
    for values, which in (
        ({"expires_at": now}, (mine, WebhookSecret.expires_at > now)),
        ({"expires_at": now + TRANSITION}, (mine, WebhookSecret.expires_at.is_(None))),
    ):
        ended = update(WebhookSecret).where(*which).values(**values)
        db.execute(ended.execution_options(synchronize_session=False))
    _mint(db, now, actor, webhook)
    return (webhook_id,)


def _mint(db: GatedSession, now: datetime, actor: Actor, webhook: Webhook) -> None:
    """Make a secret and keep it for the answer; in the database it lies wrapped."""
    secret, sealer = random_bytes(db, SECRET_BYTES), db.sealer
    db.add(WebhookSecret(id=new_id(db), webhook_id=webhook.id, wrapped=sealer.wrap(secret), created_at=now))
    db.flush()
    db.secrets[webhook.id] = SECRET + base64.b64encode(secret).decode()
    _record(db, now, actor, webhook, "webhook-secret-issued", "issue")


def test(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID, UUID]:
    """Send an event that is none of the ledger's.

    Raises NotFound for somebody else's subscription, and Conflict unless it is active and no other test is on its way.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    _must_be_active(webhook)
    waiting = (Delivery.webhook_id == webhook_id, Delivery.type == TEST_TYPE, Delivery.state == "pending")
    if db.execute(select(Delivery.id).where(*waiting)).first() is not None:
        raise Conflict("A test event is on its way: see what becomes of it.", "test-pending")
    id = new_id(db)
    db.add(
        Delivery(
            id=new_id(db),
            webhook_id=webhook_id,
            event_id=id,
            type=TEST_TYPE,
            # It waits for no other, and no other for it.
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
    made = db.execute(select(Delivery.id).where(Delivery.event_id == id)).scalar_one()
    return webhook_id, made


def replay(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, given: ReplayIn) -> tuple[UUID]:
    """Send a part of the actor's feed again, with the ids that the events had before.

    Raises NotFound for somebody else's subscription, Invalid for an event that the actor does not see or a range that
    ends before it begins, and Conflict unless it is active and no other range is being sent again.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    after = _position(db, given.after, "/after") if given.after else 0
    until = _position(db, given.until, "/until") if given.until else webhook.position
    if given.until and until <= after:
        raise invalid("/until", "range", "The range ends with an event that comes after the one where it begins.")
    _must_be_active(webhook)
    if webhook.replay_last_id is not None:
        raise Conflict("A range is being sent again already.", "replaying")
    webhook.replay_last_id, webhook.replay_until = given.after or feed.BEGINNING, until
    db.flush()
    return (webhook_id,)


def _position(db: GatedSession, event_id: UUID, pointer: str) -> int:
    found = db.execute(select(Event.position).where(Event.id == event_id)).scalar_one_or_none()
    if found is None:
        raise invalid(pointer, "unknown-event", "Name an event that you can read by its id.")
    return found


def list_deliveries(
    db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, page: Page, state: DeliveryState | None = None
) -> DeliveryList:
    """What was sent to the actor's own receiver, or is to be, the newest first; NotFound for somebody else's."""
    read_webhook(db, actor, now, webhook_id)
    statement = select(*_DELIVERY).where(Delivery.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    found = listed(db, statement, page, Sort(Delivery.created_at, Delivery.id, datetime, newest_first=True))
    items = [DeliveryOut.model_validate(row) for row in found.rows]
    return DeliveryList(items=items, next=found.next, count=found.count)


def read_delivery(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """One delivery with its attempts; NotFound for somebody else's."""
    read_webhook(db, actor, now, webhook_id)
    mine = (Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    row = db.execute(select(*_DELIVERY).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return DeliveryOut.model_validate(row)


def retry(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, delivery_id: UUID) -> tuple[UUID, UUID]:
    """Send one event again at once, and if need be by the whole schedule.

    Raises NotFound for somebody else's, and Conflict for one that was delivered or unless the subscription is active.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    mine = (Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    statement = select(Delivery).where(*mine).with_for_update()
    delivery = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if delivery is None:
        raise NotFound
    if delivery.state == "delivered":
        raise Conflict("The receiver has taken this event; a replay sends it again.", "delivery-state")
    _must_be_active(webhook)
    begin_anew(delivery, now)
    db.flush()
    return webhook_id, delivery_id


def begin_anew(delivery: Delivery, now: datetime) -> None:
    """Let an event be sent by the whole schedule, beginning now."""
    delivery.state, delivery.reason, delivery.settled_at = "pending", None, None
    delivery.tries, delivery.first_at, delivery.next_attempt_at = 0, None, now


def lock_webhook(db: GatedSession, actor: Actor, webhook_id: UUID) -> Webhook:
    """One of the actor's own subscriptions, for a change; NotFound for somebody else's."""
    statement = select(Webhook).where(Webhook.id == webhook_id, Webhook.owner_id == actor.id)
    locked = statement.with_for_update(key_share=True)
    webhook = db.execute(locked, execution_options={"populate_existing": True}).scalar_one_or_none()
    if webhook is None:
        raise NotFound
    return webhook


def _must_be_active(webhook: Webhook) -> None:
    if webhook.state != "active":
        raise Conflict("The subscription sends nothing now: set its state to 'active' first.", "webhook-not-active")


def _must_see(db: GatedSession, case_id: UUID | None) -> None:
    if case_id is not None and db.execute(select(Case.id).where(Case.id == case_id)).first() is None:
        raise invalid("/case_id", "unknown-case", "Name a case that you can read by its id.")


def _record(
    db: GatedSession, now: datetime, actor: Actor, webhook: Webhook, kind: str, act: str, **more: list[str] | str
) -> None:
    record_act(db, now, webhook, kind, act, author_of(actor, actor.role), **more)


def record_act(
    db: GatedSession, now: datetime, webhook: Webhook | AnyRow, kind: str, act: str, by: Author, **more: Any
) -> None:
    """Note an act on a subscription for those who run the installation; its address is not told."""
    payload = {"webhook_id": str(webhook.id), f"{webhook.owner_kind}_id": str(webhook.owner_id), **more}
    ledger.record(db, Act(act, now, by, installation_subject(db, "registry")), kind, payload)
