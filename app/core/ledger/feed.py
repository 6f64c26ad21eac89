"""The feed: every event that its reader may know of, in order, from wherever the reader stopped."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, func, select, true, union

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.errors import invalid
from app.core.ledger.catalogue import TYPES
from app.core.ledger.schemas import FeedActorOut, FeedDataOut, FeedEventOut, FeedOut
from app.core.paging import restored_since
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.events import Event, FeedEntry

# As far as one reading looks for events among those that its reader was told of: it may read, or want, but few of them.
WINDOW = 1_000
# The place before the first event of all.
BEGINNING = UUID(int=0)
_EVENT = (
    Event.id,
    Event.type,
    Event.at,
    Event.act,
    Event.article,
    Event.actor,
    Audience.name.label("audience"),
    Event.audience_id.label("stream"),
    # Nothing for who may know of the event and not of the case, as a candidate may.
    Case.id.label("case_id"),
    Event.seq,
    Event.payload,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a feed is asked for: how many events at most, of which types (of all if none is named), of which case."""

    limit: int
    types: tuple[str, ...] = ()
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a feed: its events, the last event looked at (shown or not), and whether more may follow at once."""

    events: list[FeedEventOut]
    last: UUID
    more: bool


def read_feed(
    db: GatedSession, actor: Actor, now: datetime, wanted: Wanted, after: str | None, latest: bool
) -> FeedOut:
    """What follows a cursor in the actor's feed, or what the feed begins with; with `latest` only where it ends now.

    Raises Invalid for a cursor that is not this reader's or a type that is not known, and Gone for a cursor from before
    the registry was restored from a backup.
    """
    if set(wanted.types) - set(TYPES):
        raise invalid("query/type", "unknown-type", "The OpenAPI document lists the types of events under `webhooks`.")
    last = BEGINNING if after is None else db.walk.decode(db, after)[1]
    if latest:
        last = latest_of(db, actor.principals)
        return FeedOut(items=[], next=db.walk.encode(db, 0, last), more=False)
    found = stretch(db, actor.principals, wanted, last)
    return FeedOut(items=found.events, next=db.walk.encode(db, 0, found.last), more=found.more)


def stretch(db: GatedSession, principals: Sequence[UUID], wanted: Wanted, last: UUID, window: int = WINDOW) -> Stretch:
    """What follows an event in the feed of three principals, as far as this session may read it.

    It looks no further than at the next entries of their feeds, as many as the window holds.
    """
    given: dict[str, Any] = {f"principal_{n}": id for n, id in enumerate(principals)}
    given |= {"after": position_of(db, last), "limit": wanted.limit, "window": window}
    statement = _statement(bool(wanted.types), wanted.case_id is not None)
    if wanted.types:
        given["types"] = list(wanted.types)
    if wanted.case_id is not None:
        given["case_id"] = wanted.case_id
    rows = db.execute(statement, given).all()
    looked_at, entries = rows[0].looked_at, rows[0].entries
    found = [row for row in rows if row.id is not None]
    if len(found) > wanted.limit:
        kept = found[: wanted.limit]
        return Stretch([_out(row) for row in kept], kept[-1].id, True)
    # Past what was looked at in vain, or a reader would look at it for ever.
    end = last if looked_at is None else _event_at(db, looked_at)
    return Stretch([_out(row) for row in found], end, entries == window)


@cache
def _statement(by_type: bool, by_case: bool) -> Any:
    """The next events of three principals, as many as asked for and one more, beside how far was looked; made once.

    The conditions stand where the events are joined, so an entry that does not meet them counts as looked at.
    """
    after, limit, size = (bindparam(name, type_=BigInteger()) for name in ("after", "limit", "window"))
    branches = []
    for number in range(3):
        mine = FeedEntry.principal_id == bindparam(f"principal_{number}", type_=Uuid())
        branch = select(FeedEntry.position).where(mine, FeedEntry.position > after)
        branches.append(select(branch.order_by(FeedEntry.position).limit(size).subquery().c.position))
    both = union(*branches).subquery()
    window = select(both.c.position).order_by(both.c.position).limit(size).cte("looked")
    bounds = select(func.max(window.c.position).label("looked_at"), func.count().label("entries"))
    bounds_of = bounds.select_from(window).subquery()
    statement = select(Event.position, *_EVENT).join(Audience, Audience.id == Event.audience_id)
    # Not joined: SQLite would go through all events there are, to meet these in their order.
    statement = statement.where(Event.position.in_(select(window.c.position)))
    statement = statement.outerjoin(Case, Case.id == Event.case_id)
    if by_type:
        types: Any = bindparam("types", expanding=True)
        statement = statement.where(Event.type.in_(types))
    if by_case:
        statement = statement.where(Case.id == bindparam("case_id", type_=Uuid()))
    found = statement.order_by(Event.position).limit(limit + 1).subquery()
    columns = [column for column in found.c if column.key != "position"]
    joined = bounds_of.outerjoin(found, true())
    return select(bounds_of.c.looked_at, bounds_of.c.entries, *columns).select_from(joined).order_by(found.c.position)


def position_of(db: GatedSession, event_id: UUID) -> int:
    """Where an event stands among all, which nobody is shown; 0 for the beginning.

    The event may be one that its reader was told of and may not read any more. Raises Gone if there is none: two
    registries restored from one backup begin the same epoch, and each goes on in its own way.
    """
    if event_id == BEGINNING:
        return 0
    with as_system(db):
        position = db.execute(select(Event.position).where(Event.id == event_id)).scalar_one_or_none()
    if position is None:
        raise restored_since()
    return position


def _event_at(db: GatedSession, position: int) -> UUID:
    with as_system(db):
        return db.execute(select(Event.id).where(Event.position == position)).scalar_one()


def latest_of(db: GatedSession, principals: Sequence[UUID]) -> UUID:
    """The last event in the feed of some principals; the beginning if there is none."""
    greatest = select(func.max(FeedEntry.position)).where(FeedEntry.principal_id.in_(principals))
    position: int | None = db.execute(greatest).scalar_one()
    return BEGINNING if position is None else _event_at(db, position)


def events_of(db: GatedSession, ids: Collection[UUID]) -> dict[UUID, FeedEventOut]:
    """Some events as the feed tells them, by id, as far as this session may read them."""
    statement = select(*_EVENT).join(Audience, Audience.id == Event.audience_id)
    rows = db.execute(statement.outerjoin(Case, Case.id == Event.case_id).where(Event.id.in_(ids))).all()
    return {row.id: _out(row) for row in rows}


def _out(row: AnyRow) -> FeedEventOut:
    data = FeedDataOut(
        case_id=row.case_id,
        audience=row.audience,
        stream=row.stream,
        seq=row.seq,
        act=row.act,
        article=row.article,
        actor=FeedActorOut.model_validate(row.actor),
        about={name: id for name, id in row.payload.items() if id is not None and name in TYPES[row.type].ids},
    )
    source = f"/v1/cases/{row.case_id}" if row.case_id else "/v1"
    return FeedEventOut(id=row.id, source=source, type=row.type, time=row.at, data=data)


@dataclass(frozen=True, slots=True)
class News:
    """What was sealed since somebody looked: up to which position, and whose feeds have more (None: perhaps all)."""

    position: int
    told: frozenset[UUID] | None

    def concerns(self, principals: Collection[UUID]) -> bool:
        """Whether somebody who reads under these principals has something to look for."""
        return self.told is None or not self.told.isdisjoint(principals)


# After these, everybody who waits is asked again who they are.
_END_ACCESS = ("token-revoked", "token-expired", "user-disabled", "client-disabled", "client-secret-revoked")
_MOST_NEWS = 2_000


def news_since(db: GatedSession, position: int | None) -> News:
    """What was sealed after a position; where that is None, or access ended, or much was sealed, all may be concerned.

    A first look finds no more than the position from which the next one goes on.
    """
    with as_system(db):
        end = db.execute(select(func.coalesce(func.max(Event.position), 0))).scalar_one()
        if position is None or end - position > _MOST_NEWS:
            return News(end, None)
        if end == position:
            return News(end, frozenset())
        after = (Event.position > position, Event.position <= end)
        entries = select(FeedEntry.principal_id, Event.type).outerjoin(FeedEntry, FeedEntry.position == Event.position)
        rows = db.execute(entries.select_from(Event).where(*after).distinct()).all()
    if any(row.type in _END_ACCESS for row in rows):
        return News(end, None)
    return News(end, frozenset(row.principal_id for row in rows))
