"""The events of a case that its reader may know of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import NotFound
from app.core.ledger.feed import listed_events
from app.core.paging import Page
from app.core.tables.audiences import Audience
from app.core.tables.events import Event
from app.proceedings.cases.lock import require_case
from app.proceedings.events.schemas import EventList, EventOut

_COLUMNS = (
    Event.id,
    Event.type,
    Event.at,
    Event.act,
    Event.article,
    Event.actor,
    Audience.name.label("audience"),
    Event.audience_id.label("stream"),
    Event.seq,
    Event.payload,
    Event.commitment,
    Event.content_id,
    Event.previous_hash,
    Event.hash,
)


def list_events(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> EventList:
    """Return a page of the events that the actor may know of, in the order in which they were sealed.

    Raises NotFound if the actor may not see the case, and Gone for a cursor from before the registry was restored from
    a backup.
    """
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(Audience, Audience.id == Event.audience_id).where(Event.case_id == case_id)
    listing = listed_events(db, statement, page)
    return EventList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_event(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, event_id: UUID) -> EventOut:
    """Return one event; raises NotFound if the actor may not know of it."""
    statement = select(*_COLUMNS).join(Audience, Audience.id == Event.audience_id)
    row = db.execute(statement.where(Event.case_id == case_id, Event.id == event_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[EventOut]:
    openings = contents.openings_left(db, [row.content_id for row in rows if row.content_id is not None])
    closed = [row.content_id for row in rows if row.content_id is not None and row.content_id not in openings]
    destroyed = contents.destroyed_among(db, closed)
    return [_event(row, openings.get(row.content_id), is_destroyed=row.content_id in destroyed) for row in rows]


def _event(row: AnyRow, opening: contents.Opening | None, *, is_destroyed: bool) -> EventOut:
    octets = {name: getattr(row, name) for name in ("commitment", "previous_hash", "hash")}
    octets["salt"] = opening.salt if opening else None
    names = set(EventOut.model_fields) - set(octets) - {"content", "destroyed"}
    fields: dict[str, Any] = {name: getattr(row, name) for name in names}
    fields |= {name: value.hex() if value is not None else None for name, value in octets.items()}
    return EventOut(content=opening.body if opening else None, destroyed=is_destroyed, **fields)
