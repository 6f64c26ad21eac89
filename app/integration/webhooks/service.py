"""Subscriptions to events, as their owners manage them."""

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
from app.core.ledger.acts import Act, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.webhooks import Delivery, Webhook, WebhookSecret
from app.integration.webhooks.recovery import hasten
from app.integration.webhooks.schemas import (
    WebhookChange,
    WebhookIn,
    WebhookList,
    WebhookMinted,
    WebhookOut,
    WebhookSecretOut,
)

MOST_OF_ONE_OWNER = 20
SECRET, SECRET_BYTES = "whsec_", 32
# How long a replaced secret still signs.
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


def may_subscribe(db: GatedSession, actor: Actor, now: datetime) -> None:
    """Every authenticated actor may subscribe, to the events that they may read."""


def list_webhooks(db: GatedSession, actor: Actor, now: datetime, page: Page) -> WebhookList:
    """List the actor's own subscriptions."""
    own = select(*_WEBHOOK).where(Webhook.owner_id == actor.id)
    listing = listed(db, own, page, Sort(Webhook.created_at, Webhook.id, datetime))
    return WebhookList(items=_out(db, now, listing.rows), next=listing.next, count=listing.count)


def read_webhook(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> WebhookOut:
    """Read one of the actor's own subscriptions; NotFound for another owner's."""
    own = (Webhook.id == webhook_id, Webhook.owner_id == actor.id)
    row = db.execute(select(*_WEBHOOK).where(*own)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, now, [row])[0]


def read_minted(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> WebhookMinted:
    """Read a subscription with the secret that this transaction has just made."""
    return WebhookMinted(secret=db.secrets[webhook_id], **dict(read_webhook(db, actor, now, webhook_id)))


def _out(db: GatedSession, now: datetime, rows: Sequence[AnyRow]) -> list[WebhookOut]:
    valid = (WebhookSecret.expires_at.is_(None)) | (WebhookSecret.expires_at > now)
    valid_secrets = select(*_SECRET).where(WebhookSecret.webhook_id.in_([row.id for row in rows]), valid)
    secrets: dict[UUID, list[WebhookSecretOut]] = {row.id: [] for row in rows}
    for secret in db.execute(valid_secrets.order_by(WebhookSecret.created_at, WebhookSecret.id)):
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


def subscribe(db: GatedSession, actor: Actor, now: datetime, subscription: WebhookIn) -> tuple[UUID]:
    """Subscribe an address, which the guard has checked, to future events that the actor may read.

    Raises Invalid for a case that the actor may not read, and Conflict beyond the number of subscriptions per owner.
    """
    _must_see(db, subscription.case_id)
    if len(db.execute(select(Webhook.id).where(Webhook.owner_id == actor.id)).all()) >= MOST_OF_ONE_OWNER:
        detail = f"You have {MOST_OF_ONE_OWNER} subscriptions, the most that one owner may have: remove one first."
        raise Conflict(detail, "too-many-webhooks")
    last = feed.latest_of(db, actor.principals)
    webhook = Webhook(
        id=new_id(db),
        owner_id=actor.id,
        owner_kind="client" if actor.role == "client" else "user",
        state="active",
        last_event_id=last,
        position=feed.position_of(db, last),
        created_at=now,
        **subscription.model_dump(),
    )
    db.add(webhook)
    db.flush()
    record_act(db, _act(db, actor, now, "add"), webhook, "webhook-added")
    _mint(db, now, actor, webhook)
    return (webhook.id,)


def amend(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID, change: WebhookChange) -> tuple[UUID]:
    """Change, pause or resume a subscription; it resumes where it was paused.

    What waits for its receiver is sent soon after it resumes or gets another address.
    Raises NotFound for another owner's subscription, and Invalid for a case that the actor may not read.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    changes = change.model_dump(exclude_unset=True)
    _must_see(db, changes.get("case_id"))
    is_back = webhook.url != changes.get("url", webhook.url) or webhook.state != "active"
    for name, value in changes.items():
        setattr(webhook, name, value)
    if "state" in changes:
        webhook.reason = None
    if "url" in changes or "state" in changes:
        webhook.failing, webhook.held_until = False, None
    db.flush()
    if is_back and webhook.state == "active":
        hasten(db, now, webhook.id)
    record_act(db, _act(db, actor, now, "change"), webhook, "webhook-changed", changed=sorted(changes))
    return (webhook_id,)


def remove(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID]:
    """Remove a subscription with its pending deliveries and its log; NotFound for another owner's."""
    webhook = lock_webhook(db, actor, webhook_id)
    record_act(db, _act(db, actor, now, "remove"), webhook, "webhook-removed")
    for table in (Delivery, WebhookSecret):
        owned = delete(table).where(table.webhook_id == webhook_id)
        db.execute(owned.execution_options(synchronize_session=False))
    db.delete(webhook)
    db.flush()
    return (webhook_id,)


def rotate_secret(db: GatedSession, actor: Actor, now: datetime, webhook_id: UUID) -> tuple[UUID]:
    """Make a new secret; the previous one also signs for a day, an older one no longer.

    Raises NotFound for another owner's subscription.
    """
    webhook = lock_webhook(db, actor, webhook_id)
    expirations = (
        (now, WebhookSecret.expires_at > now),
        (now + TRANSITION, WebhookSecret.expires_at.is_(None)),
    )
    for expires_at, which in expirations:
        secrets = update(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id, which)
        db.execute(secrets.values(expires_at=expires_at).execution_options(synchronize_session=False))
    _mint(db, now, actor, webhook)
    return (webhook_id,)


def _mint(db: GatedSession, now: datetime, actor: Actor, webhook: Webhook) -> None:
    """Make a secret and keep it for the answer; the database stores it wrapped."""
    secret, sealer = random_bytes(db, SECRET_BYTES), db.sealer
    db.add(WebhookSecret(id=new_id(db), webhook_id=webhook.id, wrapped=sealer.wrap(secret), created_at=now))
    db.flush()
    db.secrets[webhook.id] = SECRET + base64.b64encode(secret).decode()
    record_act(db, _act(db, actor, now, "issue"), webhook, "webhook-secret-issued")


def lock_webhook(db: GatedSession, actor: Actor, webhook_id: UUID) -> Webhook:
    """Lock one of the actor's own subscriptions for a change; NotFound for another owner's."""
    statement = select(Webhook).where(Webhook.id == webhook_id, Webhook.owner_id == actor.id)
    locked = statement.with_for_update(key_share=True)
    webhook = db.execute(locked, execution_options={"populate_existing": True}).scalar_one_or_none()
    if webhook is None:
        raise NotFound
    return webhook


def require_active(webhook: Webhook) -> None:
    """Raise Conflict unless the subscription is active."""
    if webhook.state != "active":
        raise Conflict("The subscription is not active: set its state to 'active' first.", "webhook-not-active")


def _must_see(db: GatedSession, case_id: UUID | None) -> None:
    if case_id is not None and db.execute(select(Case.id).where(Case.id == case_id)).first() is None:
        raise invalid("/case_id", "unknown-case", "Use the id of a case that you can read.")


def _act(db: GatedSession, actor: Actor, now: datetime, name: str) -> Act:
    return Act(name, now, author_of(actor, actor.role), installation_subject(db, "registry"))


def record_act(db: GatedSession, act: Act, webhook: Webhook | AnyRow, kind: str, **more: Any) -> None:
    """Record an act on a subscription for the registry; the receiver's address is not recorded."""
    payload = {"webhook_id": str(webhook.id), f"{webhook.owner_kind}_id": str(webhook.owner_id), **more}
    ledger.record(db, act, kind, payload)
