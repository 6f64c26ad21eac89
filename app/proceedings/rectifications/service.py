"""Mending slips of the registry: by an act that names the event and is read by whoever reads that event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, AnySelect, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.events import Event
from app.core.tables.rectifications import Rectification
from app.proceedings.cases.locking import lock_case, require_case
from app.proceedings.rectifications.schemas import RectificationIn, RectificationList, RectificationOut

_COLUMNS = (
    Rectification.id,
    Rectification.event_id,
    Rectification.user_id,
    Rectification.content_id,
    Rectification.rectified_at,
)


def list_rectifications(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> RectificationList:
    """The rectifications that the actor may know of; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    found = listed(db, _of(case_id), page, Sort(Rectification.rectified_at, Rectification.id, datetime))
    return RectificationList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_rectification(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, rectification_id: UUID
) -> RectificationOut:
    """One rectification; NotFound if there is none that the actor may know of."""
    row = db.execute(_of(case_id).where(Rectification.id == rectification_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _of(case_id: UUID) -> AnySelect:
    return select(*_COLUMNS).where(Rectification.case_id == case_id)


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[RectificationOut]:
    bodies = contents.read_many(db, [row.content_id for row in rows])
    return [
        RectificationOut(
            id=row.id,
            event_id=row.event_id,
            rectified_by=row.user_id,
            rectified_at=row.rectified_at,
            **bodies[row.content_id],
        )
        for row in rows
    ]


def rectify(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: RectificationIn) -> tuple[UUID, UUID]:
    """Mend a slip of the registry in one of its own acts, in an open case or a closed one.

    Raises Forbidden for others than the registry, Invalid for an event that it does not see, and Conflict for one that
    records somebody else's act.
    """
    lock_case(db, actor, case_id)
    if not actor.is_staff:
        raise Forbidden("The registry mends its own slips; for yours, file a correction.", "not-your-capacity")
    event = _event(db, case_id, given.event_id)
    if event is None:
        raise invalid("/event_id", "unknown-event", "Name an event of this case, as its list of events shows it.")
    if event.actor["capacity"] != "registry":
        raise Conflict("This event records an act of somebody else, who corrects it.", "not-of-the-registry")
    body: dict[str, Any] = {"correction": given.correction, "reason": given.reason}
    written = contents.write(db, case_id, event.audience_id, body)
    row = Rectification(
        id=new_id(db),
        case_id=case_id,
        audience_id=event.audience_id,
        event_id=event.id,
        user_id=actor.id,
        content_id=written.id,
        rectified_at=now,
    )
    db.add(row)
    subject = Subject(case_id, event.audience_id, event.audience)
    payload = {"rectification_id": str(row.id), "event_id": str(event.id), "rectifies": event.type}
    by = author_of(actor, "registry")
    ledger.record(db, Act("rectify", now, by, subject), "event-rectified", payload, content=written)
    return (case_id, row.id)


def _event(db: GatedSession, case_id: UUID, event_id: UUID) -> AnyRow | None:
    columns = (Event.id, Event.type, Event.actor, Event.audience_id, Audience.name.label("audience"))
    statement = select(*columns).join(Audience, Audience.id == Event.audience_id)
    return db.execute(statement.where(Event.case_id == case_id, Event.id == event_id)).one_or_none()
