"""The ledger of a case, as its reader may see it."""

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
from app.core.ledger.feed import position_of
from app.core.paging import Page, counted
from app.core.tables.audiences import Audience
from app.core.tables.events import Event
from app.proceedings.cases.locking import require_case
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
    """The events of a case that the actor may know of; NotFound if the case is not the actor's to see.

    Raises Gone for a cursor from before the registry was restored from a backup.
    The cursor names the last event shown, not its position: positions would tell of what others did in between.
    """
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(Audience, Audience.id == Event.audience_id).where(Event.case_id == case_id)
    count = counted(db, statement, Event.id) if page.count else None
    if page.after is not None:
        _nothing, last = db.walk.decode(db, page.after)
        statement = statement.where(Event.position > position_of(db, last))
    rows = db.execute(statement.order_by(Event.position).limit(page.limit + 1)).all()
    kept = rows[: page.limit]
    following = db.walk.encode(db, 0, kept[-1].id) if len(rows) > page.limit else None
    return EventList(items=_out(db, kept), next=following, count=count)


def read_event(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, event_id: UUID) -> EventOut:
    """One event; NotFound if there is none that the actor may know of."""
    statement = select(*_COLUMNS).join(Audience, Audience.id == Event.audience_id)
    row = db.execute(statement.where(Event.case_id == case_id, Event.id == event_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[EventOut]:
    opened = contents.openings(db, [row.content_id for row in rows if row.content_id is not None])
    return [_event(row, opened.get(row.content_id)) for row in rows]


def _event(row: AnyRow, opening: contents.Opening | None) -> EventOut:
    hexed = {name: getattr(row, name) for name in ("commitment", "previous_hash", "hash")}
    hexed["salt"] = opening.salt if opening else None
    own = set(EventOut.model_fields) - set(hexed) - {"content"}
    members: dict[str, Any] = {name: getattr(row, name) for name in own}
    members |= {name: value.hex() if value is not None else None for name, value in hexed.items()}
    return EventOut(content=opening.body if opening else None, **members)
