"""What is to be sent: gathered from the feeds of the owners, claimed by who sends it, and what became of it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, and_, case, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import aliased

from app.core.access.actors import Actor
from app.core.access.gate import insert_rows
from app.core.access.session import GatedSession
from app.core.db import AnySelect, new_id
from app.core.ledger import feed
from app.core.ledger.acts import BY_CLOCK
from app.core.ledger.schemas import FeedEventOut
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF
from app.core.tables.clients import Client
from app.core.tables.events import Event, FeedEntry
from app.core.tables.people import User
from app.core.tables.webhooks import Delivery, Webhook, WebhookSecret
from app.integration.webhooks import schedule
from app.integration.webhooks.schemas import TEST_TYPE, TestDataOut, TestEventOut
from app.integration.webhooks.service import begin_anew, record_act
from app.integration.webhooks.transport import Answer

# So many deliveries wait for one receiver at most; what comes after them waits in the feed.
MOST_PENDING = 1_000
GATHERED_AT_ONCE = 200
# So many events are on their way to one receiver at a time, and one to a receiver that failed.
AT_ONCE, AT_ONCE_WHILE_FAILING = 8, 1
# Whoever sends a delivery says so again and again; a worker that was killed is not waited for longer than this.
LEASE = timedelta(seconds=3)
MOST_ATTEMPTS_KEPT = 20
KEPT = timedelta(days=30)
_PAUSED_AFTER_A_RESTORE = {"state": "paused", "reason": "restored"}
# Statuses of receivers with a meaning of their own (RFC 9110).
GONE, BUSY = 410, (429, 503)


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """One delivery that this process sends: all that it needs for that but the event itself."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    created_at: datetime
    url: str
    secrets: tuple[bytes, ...]
    failing: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim: the answer to an attempt, or None where its owner may not read the event any more."""

    claim: DeliveryClaim
    at: datetime
    duration_ms: int
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Survey:
    """The subscriptions for which there is something to gather, and those whose owners have ended."""

    with_news: list[UUID]
    of_nobody: list[UUID]


def survey(db: GatedSession) -> Survey:
    """Which subscriptions are to be looked at."""
    nobody = or_(and_(User.id.is_(None), Client.id.is_(None)), User.active.is_(False), Client.disabled_at.is_not(None))
    third = case(
        (User.role == "registrar", literal(STAFF, Uuid())),
        (Client.id.is_not(None), func.coalesce(Client.court_id, literal(INTEGRATIONS, Uuid()))),
        else_=Webhook.owner_id,
    )
    news = [
        exists(select(FeedEntry.position).where(FeedEntry.principal_id == one, FeedEntry.position > Webhook.position))
        for one in (Webhook.owner_id, literal(ANYONE, Uuid()), third)
    ]
    ends = and_(Webhook.state != "disabled", nobody)
    looks = and_(Webhook.state == "active", or_(Webhook.replay_last_id.is_not(None), *news))
    statement = select(Webhook.id, ends.label("ends")).outerjoin(User, User.id == Webhook.owner_id)
    rows = db.execute(statement.outerjoin(Client, Client.id == Webhook.owner_id).where(or_(ends, looks))).all()
    return Survey([row.id for row in rows if not row.ends], [row.id for row in rows if row.ends])


def owner_of(db: GatedSession, webhook_id: UUID) -> Actor | None:
    """Who a subscription belongs to, as who asks; None once they have ended."""
    person = select(User.id, User.role, User.name).join(Webhook, Webhook.owner_id == User.id)
    somebody = db.execute(person.where(Webhook.id == webhook_id, User.active)).one_or_none()
    if somebody is not None:
        return Actor(somebody.id, somebody.role, somebody.name)
    program = select(Client.id, Client.name, Client.court_id).join(Webhook, Webhook.owner_id == Client.id)
    found = db.execute(program.where(Webhook.id == webhook_id, Client.disabled_at.is_(None))).one_or_none()
    return None if found is None else Actor(found.id, "client", found.name, bound_to=found.court_id or INTEGRATIONS)


def gather(db: GatedSession, now: datetime, webhook_id: UUID, principals: Sequence[UUID]) -> int:
    """Line up what follows in the owner's feed, as far as there is room; how far was looked counts too.

    The session reads under the owner's principals: what they may not read is not even lined up.
    """
    mine = select(Webhook).where(Webhook.id == webhook_id, Webhook.state == "active")
    webhook = db.execute(mine.with_for_update(skip_locked=True)).scalar_one_or_none()
    if webhook is None:
        return 0
    moved = 0
    if webhook.replay_last_id is not None and (room := _room(db, webhook_id)) > 0:
        moved += _gather_again(db, now, webhook, principals, room)
    if (room := _room(db, webhook_id)) > 0:
        found = feed.stretch(db, principals, _wanted(webhook, room), webhook.last_event_id)
        _line_up(db, now, webhook_id, found.events, _positions(db, found.events), again=False)
        moved += found.last != webhook.last_event_id
        webhook.last_event_id, webhook.position = found.last, feed.position_of(db, found.last)
    db.flush()
    return moved


def _room(db: GatedSession, webhook_id: UUID) -> int:
    waiting = select(func.count()).select_from(Delivery)
    pending = db.execute(waiting.where(Delivery.webhook_id == webhook_id, Delivery.state == "pending")).scalar_one()
    return MOST_PENDING - pending


def _wanted(webhook: Webhook, room: int) -> feed.Wanted:
    return feed.Wanted(min(room, GATHERED_AT_ONCE), tuple(webhook.types), webhook.case_id)


def _gather_again(db: GatedSession, now: datetime, webhook: Webhook, principals: Sequence[UUID], room: int) -> int:
    last, until = webhook.replay_last_id, webhook.replay_until
    if last is None or until is None:
        return 0
    found = feed.stretch(db, principals, _wanted(webhook, room), last)
    positions = _positions(db, found.events)
    within = [one for one in found.events if positions[one.id] <= until]
    _line_up(db, now, webhook.id, within, positions, again=True)
    ends = not found.more or feed.position_of(db, found.last) >= until
    webhook.replay_last_id, webhook.replay_until = (None, None) if ends else (found.last, until)
    return 1


def _positions(db: GatedSession, events: Sequence[FeedEventOut]) -> dict[UUID, int]:
    statement = select(Event.id, Event.position).where(Event.id.in_([one.id for one in events]))
    return {row.id: row.position for row in db.execute(statement)} if events else {}


def _line_up(
    db: GatedSession,
    now: datetime,
    webhook_id: UUID,
    events: Sequence[FeedEventOut],
    positions: Mapping[UUID, int],
    *,
    again: bool,
) -> None:
    mine = (Delivery.webhook_id == webhook_id, Delivery.event_id.in_([one.id for one in events]))
    known = {one.event_id: one for one in db.execute(select(Delivery).where(*mine)).scalars()} if events else {}
    if again:
        for delivery in known.values():
            if delivery.state != "pending":
                begin_anew(delivery, now)
    rows = [
        {
            "id": new_id(db),
            "webhook_id": webhook_id,
            "event_id": one.id,
            "type": one.type,
            "lane": one.data.case_id or one.data.stream,
            "position": positions[one.id],
            "state": "pending",
            "tries": 0,
            "next_attempt_at": now,
            "attempts": [],
            "created_at": now,
        }
        for one in events
        if one.id not in known
    ]
    insert_rows(db, Delivery, rows)


def _due(now: datetime) -> tuple[Any, ...]:
    free = or_(Delivery.leased_until.is_(None), Delivery.leased_until <= now)
    return Delivery.state == "pending", Delivery.next_attempt_at <= now, free


def due(now: datetime) -> AnySelect:
    """The subscriptions that send now, have something that is due, and were not asked for patience."""
    waits = exists(select(Delivery.id).where(Delivery.webhook_id == Webhook.id, *_due(now)))
    patient = or_(Webhook.held_until.is_(None), Webhook.held_until <= now)
    columns = (Webhook.id, Webhook.url, Webhook.failing)
    return select(*columns).where(Webhook.state == "active", patient, waits).order_by(Webhook.id)


def is_anything_due(db: GatedSession, now: datetime) -> bool:
    """Whether there may be something to send."""
    return db.execute(due(now).limit(1)).first() is not None


def claim(
    db: GatedSession, now: datetime, under_way: Collection[DeliveryClaim], last_served: Mapping[UUID, int], most: int
) -> list[DeliveryClaim]:
    """Take what is due, in order within each lane, and no more for one receiver than is fair.

    What is `under_way` here counts towards the `most` that may be, of which no more than half go to receivers that
    failed; `last_served` says whose turn was when.
    """
    found: list[DeliveryClaim] = []
    busy = Counter(one.webhook_id for one in under_way)
    mine = [one.id for one in under_way]
    slots, trying = most - len(mine), most // 2 - sum(one.failing for one in under_way)
    hooks = db.execute(due(now)).all()
    for hook in sorted(hooks, key=lambda one: (busy.get(one.id, 0), last_served.get(one.id, 0))):
        if slots <= 0:
            break
        room = min((AT_ONCE_WHILE_FAILING if hook.failing else AT_ONCE) - busy.get(hook.id, 0), slots)
        if hook.failing:
            room = min(room, trying)
        rows = db.execute(_first_of_each_lane(now, hook.id, room, mine)).all() if room > 0 else []
        if not rows:
            continue
        secrets = _secrets(db, now, hook.id)
        claims = [
            DeliveryClaim(row.id, hook.id, row.event_id, row.type, row.created_at, hook.url, secrets, hook.failing)
            for row in rows
        ]
        slots -= len(claims)
        trying -= len(claims) if hook.failing else 0
        found += claims
    renew(db, now, [one.id for one in found])
    return found


def _first_of_each_lane(now: datetime, webhook_id: UUID, room: int, mine: list[UUID]) -> AnySelect:
    """What is due, has nothing before it in its lane, and is not being sent here already, whatever its lease says."""
    earlier = aliased(Delivery)
    before = exists(
        select(earlier.id).where(
            earlier.webhook_id == Delivery.webhook_id,
            earlier.lane == Delivery.lane,
            earlier.state == "pending",
            earlier.position < Delivery.position,
        )
    )
    columns = (Delivery.id, Delivery.event_id, Delivery.type, Delivery.created_at)
    free = (Delivery.webhook_id == webhook_id, *_due(now), ~before, Delivery.id.not_in(mine))
    return (
        select(*columns)
        .where(*free)
        .order_by(Delivery.position)
        .limit(room)
        .with_for_update(skip_locked=True, of=Delivery)
    )


def _secrets(db: GatedSession, now: datetime, webhook_id: UUID) -> tuple[bytes, ...]:
    lives = or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now)
    mine = select(WebhookSecret.wrapped).where(WebhookSecret.webhook_id == webhook_id, lives)
    sealer = db.sealer
    return tuple(sealer.unwrap(one) for one in db.execute(mine.order_by(WebhookSecret.created_at.desc())).scalars())


def renew(db: GatedSession, now: datetime, ids: Collection[UUID]) -> None:
    """Say that these are still being sent."""
    if ids:
        held = update(Delivery).where(Delivery.id.in_(ids)).values(leased_until=now + LEASE)
        db.execute(held.execution_options(synchronize_session=False))


def release_all(db: GatedSession) -> None:
    """Take every delivery back: whoever was sending it has ended, where there is but one process."""
    held = update(Delivery).where(Delivery.leased_until.is_not(None)).values(leased_until=None)
    db.execute(held.execution_options(synchronize_session=False))


def bodies(db: GatedSession, claims: Sequence[DeliveryClaim]) -> dict[UUID, bytes]:
    """What is sent of each claim, as far as its owner, under whose principals this session reads, may still read it."""
    tests = {one.id: _test_event(one) for one in claims if one.type == TEST_TYPE}
    asked = {one.event_id for one in claims if one.id not in tests}
    events = feed.events_of(db, asked) if asked else {}
    found: dict[UUID, FeedEventOut | TestEventOut] = {
        one.id: events[one.event_id] for one in claims if one.event_id in events
    }
    return {id: one.model_dump_json(by_alias=True).encode() for id, one in (found | tests).items()}


def _test_event(one: DeliveryClaim) -> TestEventOut:
    data = TestDataOut(webhook_id=one.webhook_id)
    return TestEventOut(id=one.event_id, source=f"/v1/webhooks/{one.webhook_id}", time=one.created_at, data=data)


def record(db: GatedSession, now: datetime, outcomes: Sequence[Outcome]) -> None:
    """Keep what became of what was sent, and when it is tried again."""
    for one in outcomes:
        statement = select(Delivery).where(Delivery.id == one.claim.id).with_for_update()
        delivery = db.execute(statement).scalar_one_or_none()
        # The subscription may have been removed meanwhile.
        if delivery is not None:
            delivery.leased_until = None
            _settle(db, now, delivery, one)
    db.flush()


def _settle(db: GatedSession, now: datetime, delivery: Delivery, one: Outcome) -> None:
    answer = one.answer
    if answer is None:
        _end(delivery, now, "skipped", "access-ended")
        return
    attempt = {
        "at": one.at.isoformat(),
        "status": answer.status,
        "error": answer.error,
        "duration_ms": one.duration_ms,
        "body": answer.body,
    }
    delivery.attempts = [*delivery.attempts, attempt][-MOST_ATTEMPTS_KEPT:]
    delivery.tries += 1
    delivery.first_at = delivery.first_at or one.at
    failing = not answer.is_success
    hook: dict[str, Any] = {} if failing == one.claim.failing else {"failing": failing}
    if answer.is_success:
        _end(delivery, now, "delivered", None)
    elif answer.status == GONE:
        _end(delivery, now, "failed", "gone")
        disable(db, now, delivery.webhook_id, "gone")
    else:
        until = schedule.patience(answer.retry_after, now) if answer.status in BUSY else None
        again = schedule.next_attempt(delivery.tries, delivery.first_at, now)
        if again is None:
            _end(delivery, now, "failed", "given-up")
        else:
            delivery.next_attempt_at = max(again, until) if until else again
        if until:
            hook["held_until"] = until
    if hook:
        row = update(Webhook).where(Webhook.id == delivery.webhook_id).values(**hook)
        db.execute(row.execution_options(synchronize_session=False))


def _end(delivery: Delivery, now: datetime, state: str, reason: str | None) -> None:
    delivery.state, delivery.reason = state, reason
    delivery.next_attempt_at, delivery.settled_at = None, now


def disable(db: GatedSession, now: datetime, webhook_id: UUID, reason: str) -> int:
    """End a subscription, for a reason that is none of its owner's doing; how many were ended."""
    columns = (Webhook.id, Webhook.owner_id, Webhook.owner_kind)
    lives = select(*columns).where(Webhook.id == webhook_id, Webhook.state != "disabled")
    webhook = db.execute(lives.with_for_update(key_share=True)).one_or_none()
    if webhook is None:
        return 0
    row = update(Webhook).where(Webhook.id == webhook_id).values(state="disabled", reason=reason)
    db.execute(row.execution_options(synchronize_session=False))
    record_act(db, now, webhook, "webhook-disabled", "disable", BY_CLOCK, reason=reason)
    return 1


def forget(db: GatedSession, now: datetime) -> int:
    """Forget what was settled long ago; how many were forgotten."""
    old = select(Delivery.id).where(Delivery.settled_at < now - KEPT).limit(MOST_PENDING)
    ids = db.execute(old.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        gone = delete(Delivery).where(Delivery.id.in_(ids))
        db.execute(gone.execution_options(synchronize_session=False))
    return len(ids)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits for receivers or was given up, and for how many seconds the oldest that could go has waited."""

    pending: int
    failed: int
    lag: float


def backlog(db: GatedSession, now: datetime, most: int) -> Backlog:
    """How sending stands; it counts no further than to `most`."""
    counts = {
        state: len(db.execute(select(Delivery.id).where(Delivery.state == state).limit(most)).all())
        for state in ("pending", "failed")
    }
    patient = or_(Webhook.held_until.is_(None), Webhook.held_until <= now)
    # Those that were never tried: what waits behind a receiver that fails is not late.
    heads = select(func.min(Delivery.next_attempt_at)).join(Webhook, Webhook.id == Delivery.webhook_id)
    able = (Webhook.state == "active", Webhook.failing.is_(False), patient)
    oldest = db.execute(heads.where(*able, Delivery.state == "pending", Delivery.next_attempt_at <= now)).scalar()
    return Backlog(counts["pending"], counts["failed"], (now - oldest).total_seconds() if oldest else 0.0)


def pause_all() -> Any:
    """The statement after which a registry that was restored calls nobody, until an owner lets it."""
    return update(Webhook).where(Webhook.state == "active").values(**_PAUSED_AFTER_A_RESTORE)
