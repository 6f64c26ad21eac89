"""The feed: the events that a reader may know of, in order, after the reader's cursor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, func, select, true, union

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow, AnySelect
from app.core.errors import invalid
from app.core.ledger.catalogue import TYPES
from app.core.ledger.schemas import FeedActorOut, FeedDataOut, FeedEventOut, FeedOut
from app.core.paging import Page, Slice, counted, restored_since
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.events import Event, FeedEntry

# The most feed entries that one reading examines; few of them may be readable now, or match the filter.
WINDOW = 1_000
# Stands for the position before the first event.
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
    # NULL for readers who may know of the event but not of the case, such as a candidate.
    Case.id.label("case_id"),
    Event.seq,
    Event.payload,
)


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """The requested part of a feed: the most events, their types (all if none is named), and their case."""

    limit: int
    types: tuple[str, ...] = ()
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a feed: its events, the last event examined (returned or not), and whether more may follow at once."""

    events: list[FeedEventOut]
    last: UUID
    more: bool


def read_feed(
    db: GatedSession, actor: Actor, now: datetime, query: FeedQuery, after: str | None, latest: bool
) -> FeedOut:
    """The events after a cursor in the actor's feed, or its first events; with `latest` only the cursor of its end.

    Raises Invalid for the cursor of another reader or an unknown type, and Gone for a cursor from before the registry
    was restored from a backup.
    """
    if set(query.types) - set(TYPES):
        message = "A type of event does not exist. Use the types that the OpenAPI document lists under `webhooks`."
        raise invalid("query/type", "unknown-type", message)
    last = BEGINNING if after is None else db.walk.decode(db, after)[1]
    if latest:
        last = latest_of(db, actor.principals)
        return FeedOut(items=[], next=db.walk.encode(db, 0, last), more=False)
    part = stretch(db, actor.principals, query, last)
    return FeedOut(items=part.events, next=db.walk.encode(db, 0, part.last), more=part.more)


def stretch(
    db: GatedSession, principals: Sequence[UUID], query: FeedQuery, last: UUID, window: int = WINDOW
) -> Stretch:
    """The events after an event in the feeds of three principals that this session may read.

    It examines at most `window` entries of the feeds.
    """
    values: dict[str, Any] = {f"principal_{n}": id for n, id in enumerate(principals)}
    values |= {"after": position_of(db, last), "limit": query.limit, "window": window}
    statement = _statement(bool(query.types), query.case_id is not None)
    if query.types:
        values["types"] = list(query.types)
    if query.case_id is not None:
        values["case_id"] = query.case_id
    rows = db.execute(statement, values).all()
    examined, entries = rows[0].looked_at, rows[0].entries
    events = [row for row in rows if row.id is not None]
    if len(events) > query.limit:
        kept = events[: query.limit]
        return Stretch([_out(row) for row in kept], kept[-1].id, True)
    # Skip the entries that were examined but not kept: the next reading would examine them again.
    end = last if examined is None else _event_at(db, examined)
    return Stretch([_out(row) for row in events], end, entries == window)


@cache
def _statement(by_type: bool, by_case: bool) -> Any:
    """The statement of the next events of three principals, one more than the limit, with how far it looked.

    The filter applies to the events and not to the feed entries, so an entry that does not match was still examined.
    """
    after, limit, size = (bindparam(name, type_=BigInteger()) for name in ("after", "limit", "window"))
    branches = []
    for number in range(3):
        own = FeedEntry.principal_id == bindparam(f"principal_{number}", type_=Uuid())
        branch = select(FeedEntry.position).where(own, FeedEntry.position > after)
        branches.append(select(branch.order_by(FeedEntry.position).limit(size).subquery().c.position))
    merged = union(*branches).subquery()
    window = select(merged.c.position).order_by(merged.c.position).limit(size).cte("looked")
    bounds = select(func.max(window.c.position).label("looked_at"), func.count().label("entries"))
    bounds_of = bounds.select_from(window).subquery()
    statement = select(Event.position, *_EVENT).join(Audience, Audience.id == Event.audience_id)
    # Not a join: SQLite would scan all events to return these in order.
    statement = statement.where(Event.position.in_(select(window.c.position)))
    statement = statement.outerjoin(Case, Case.id == Event.case_id)
    if by_type:
        types: Any = bindparam("types", expanding=True)
        statement = statement.where(Event.type.in_(types))
    if by_case:
        statement = statement.where(Case.id == bindparam("case_id", type_=Uuid()))
    events = statement.order_by(Event.position).limit(limit + 1).subquery()
    columns = [column for column in events.c if column.key != "position"]
    joined = bounds_of.outerjoin(events, true())
    return select(bounds_of.c.looked_at, bounds_of.c.entries, *columns).select_from(joined).order_by(events.c.position)


def position_of(db: GatedSession, event_id: UUID) -> int:
    """The position of an event among all events, which no answer shows; 0 for the beginning.

    Its reader may have lost access to it since. Raises Gone for an unknown event: two registries that were restored
    from one backup have the same epoch, but later events of their own.
    """
    if event_id == BEGINNING:
        return 0
    with as_system(db):
        position = db.execute(select(Event.position).where(Event.id == event_id)).scalar_one_or_none()
    if position is None:
        raise restored_since()
    return position


def listed_events(db: GatedSession, statement: AnySelect, page: Page) -> Slice:
    """Read a page of a list of events, which the statement selects, in the order in which they were sealed.

    Raises Gone for a cursor from before the registry was restored from a backup.
    """
    count = counted(db, statement, Event.id) if page.count else None
    if page.after is not None:
        # The cursor names an event and not its position: positions would show how much others did in between.
        _unused, last_id = db.walk.decode(db, page.after)
        statement = statement.where(Event.position > position_of(db, last_id))
    rows = db.execute(statement.order_by(Event.position).limit(page.limit + 1)).all()
    shown = rows[: page.limit]
    cursor = db.walk.encode(db, 0, shown[-1].id) if len(rows) > page.limit else None
    return Slice(shown, cursor, count)


def _event_at(db: GatedSession, position: int) -> UUID:
    with as_system(db):
        return db.execute(select(Event.id).where(Event.position == position)).scalar_one()


def latest_of(db: GatedSession, principals: Sequence[UUID]) -> UUID:
    """The last event in the feeds of some principals; BEGINNING if there is none."""
    greatest = select(func.max(FeedEntry.position)).where(FeedEntry.principal_id.in_(principals))
    position: int | None = db.execute(greatest).scalar_one()
    return BEGINNING if position is None else _event_at(db, position)


def events_of(db: GatedSession, ids: Collection[UUID]) -> dict[UUID, FeedEventOut]:
    """Events in the form of the feed, by id, as far as this session may read them."""
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
    """What was sealed since the last look: up to which position, and whose feeds grew (None: anybody's may have)."""

    position: int
    principals: frozenset[UUID] | None

    def concerns(self, principals: Collection[UUID]) -> bool:
        """Whether there may be news for somebody who reads under these principals."""
        return self.principals is None or not self.principals.isdisjoint(principals)


# After these events, everybody who waits is authenticated again.
_END_ACCESS = ("token-revoked", "token-expired", "user-disabled", "client-disabled", "client-secret-revoked")
_MOST_NEWS = 2_000


def news_since(db: GatedSession, position: int | None) -> News:
    """The news after a position; for everybody if it is None, if somebody's access ended, or if much was sealed.

    A first look, without a position, only finds the position for the next look.
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
