"""Collects events from the feeds of subscription owners and queues them as deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, and_, case, exists, func, literal, or_, select

from app.core.access.actors import Actor
from app.core.access.gate import insert_rows
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.ledger import feed
from app.core.ledger.schemas import FeedEventOut
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF
from app.core.tables.clients import Client
from app.core.tables.events import Event, FeedEntry
from app.core.tables.people import User
from app.core.tables.webhooks import Delivery, Webhook
from app.integration.webhooks.deliveries import restart

# At most this many deliveries wait for one receiver; later events wait in the feed.
MOST_PENDING = 1_000
GATHERED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Survey:
    """Subscriptions with events to collect, and subscriptions whose owner has lost access."""

    with_news: list[UUID]
    of_nobody: list[UUID]


def survey(db: GatedSession) -> Survey:
    """Find the subscriptions that need attention."""
    nobody = or_(and_(User.id.is_(None), Client.id.is_(None)), User.active.is_(False), Client.disabled_at.is_not(None))
    role_principal = case(
        (User.role == "registrar", literal(STAFF, Uuid())),
        (Client.id.is_not(None), func.coalesce(Client.court_id, literal(INTEGRATIONS, Uuid()))),
        else_=Webhook.owner_id,
    )
    news = [
        exists(
            select(FeedEntry.position).where(FeedEntry.principal_id == principal, FeedEntry.position > Webhook.position)
        )
        for principal in (Webhook.owner_id, literal(ANYONE, Uuid()), role_principal)
    ]
    ends = and_(Webhook.state != "disabled", nobody)
    looks = and_(Webhook.state == "active", or_(Webhook.replay_last_id.is_not(None), *news))
    statement = select(Webhook.id, ends.label("ends")).outerjoin(User, User.id == Webhook.owner_id)
    rows = db.execute(statement.outerjoin(Client, Client.id == Webhook.owner_id).where(or_(ends, looks))).all()
    return Survey([row.id for row in rows if not row.ends], [row.id for row in rows if row.ends])


def owner_of(db: GatedSession, webhook_id: UUID) -> Actor | None:
    """The owner of a subscription as an actor; None once the owner has lost access."""
    person = select(User.id, User.role, User.name).join(Webhook, Webhook.owner_id == User.id)
    user = db.execute(person.where(Webhook.id == webhook_id, User.active)).one_or_none()
    if user is not None:
        return Actor(user.id, user.role, user.name)
    program = select(Client.id, Client.name, Client.court_id).join(Webhook, Webhook.owner_id == Client.id)
    client = db.execute(program.where(Webhook.id == webhook_id, Client.disabled_at.is_(None))).one_or_none()
    return None if client is None else Actor(client.id, "client", client.name, bound_to=client.court_id or INTEGRATIONS)


def gather(db: GatedSession, now: datetime, webhook_id: UUID, principals: Sequence[UUID]) -> int:
    """Queue the next events of the owner's feed while there is room; return how often the position moved.

    The session must read under the owner's principals: events that the owner may not read are not queued.
    """
    active = select(Webhook).where(Webhook.id == webhook_id, Webhook.state == "active")
    webhook = db.execute(active.with_for_update(skip_locked=True)).scalar_one_or_none()
    if webhook is None:
        return 0
    moved = 0
    if webhook.replay_last_id is not None and (room := _room(db, webhook_id)) > 0:
        moved += _gather_again(db, now, webhook, principals, room)
    if (room := _room(db, webhook_id)) > 0:
        stretch = feed.stretch(db, principals, _wanted(webhook, room), webhook.last_event_id)
        _queue(db, now, webhook_id, stretch.events, _positions(db, stretch.events), again=False)
        moved += stretch.last != webhook.last_event_id
        webhook.last_event_id, webhook.position = stretch.last, feed.position_of(db, stretch.last)
    db.flush()
    return moved


def _room(db: GatedSession, webhook_id: UUID) -> int:
    waiting = select(func.count()).select_from(Delivery)
    pending = db.execute(waiting.where(Delivery.webhook_id == webhook_id, Delivery.state == "pending")).scalar_one()
    return MOST_PENDING - pending


def _wanted(webhook: Webhook, room: int) -> feed.FeedQuery:
    return feed.FeedQuery(min(room, GATHERED_AT_ONCE), tuple(webhook.types), webhook.case_id)


def _gather_again(db: GatedSession, now: datetime, webhook: Webhook, principals: Sequence[UUID], room: int) -> int:
    last, until = webhook.replay_last_id, webhook.replay_until
    if last is None or until is None:
        return 0
    stretch = feed.stretch(db, principals, _wanted(webhook, room), last)
    positions = _positions(db, stretch.events)
    within = [event for event in stretch.events if positions[event.id] <= until]
    _queue(db, now, webhook.id, within, positions, again=True)
    ends = not stretch.more or feed.position_of(db, stretch.last) >= until
    webhook.replay_last_id, webhook.replay_until = (None, None) if ends else (stretch.last, until)
    return 1


def _positions(db: GatedSession, events: Sequence[FeedEventOut]) -> dict[UUID, int]:
    statement = select(Event.id, Event.position).where(Event.id.in_([event.id for event in events]))
    return {row.id: row.position for row in db.execute(statement)} if events else {}


def _queue(
    db: GatedSession,
    now: datetime,
    webhook_id: UUID,
    events: Sequence[FeedEventOut],
    positions: Mapping[UUID, int],
    *,
    again: bool,
) -> None:
    queued = [Delivery.webhook_id == webhook_id, Delivery.event_id.in_([event.id for event in events])]
    if again:
        queued.append(Delivery.state == "pending")
    rows = db.execute(select(Delivery).where(*queued)).scalars() if events else ()
    deliveries = {delivery.event_id: delivery for delivery in rows}
    if again:
        # What waits is sent now; what was sent before is sent by a delivery of its own, so that each replay shows.
        for delivery in deliveries.values():
            restart(delivery, now)
    new_rows = [
        {
            "id": new_id(db),
            "webhook_id": webhook_id,
            "event_id": event.id,
            "type": event.type,
            "lane": event.data.case_id or event.data.stream,
            "position": positions[event.id],
            "state": "pending",
            "tries": 0,
            "next_attempt_at": now,
            "attempts": [],
            "created_at": now,
        }
        for event in events
        if event.id not in deliveries
    ]
    insert_rows(db, Delivery, new_rows)
