"""Rectifications of clerical errors of the registry: acts that name an event and have the same readers as it."""

from collections.abc import Sequence
from datetime import datetime
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
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.rectifications.schemas import RectificationIn, RectificationList, RectificationOut

_COLUMNS = (
    Rectification.id,
    Rectification.event_id,
    Rectification.user_id,
    Rectification.content_id,
    Rectification.rectified_at,
)


def list_rectifications(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> RectificationList:
    """Return a page of the rectifications that the actor may know of.

    Raises NotFound if the actor may not see the case.
    """
    require_case(db, case_id)
    sort = Sort(Rectification.rectified_at, Rectification.id, datetime)
    listing = listed(db, _rectifications(case_id), page, sort)
    return RectificationList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_rectification(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, rectification_id: UUID
) -> RectificationOut:
    """Return one rectification; raises NotFound if the actor may not know of it."""
    row = db.execute(_rectifications(case_id).where(Rectification.id == rectification_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _rectifications(case_id: UUID) -> AnySelect:
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


def rectify(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: RectificationIn) -> tuple[UUID, UUID]:
    """Correct, as the registry, a clerical error in one of its own acts, in an open or a closed case.

    Raises Forbidden for others, Invalid for an event that the registry does not see, and Conflict for an event that
    records an act of somebody else.
    """
    lock_case(db, actor, case_id)
    if not actor.is_staff:
        detail = "Only the registry may rectify its own acts. To correct yours, file a correction."
        raise Forbidden(detail, "not-your-capacity")
    event = _event(db, case_id, body.event_id)
    if event is None:
        raise invalid("/event_id", "unknown-event", "Name an event of this case, as its list of events shows it.")
    if event.actor["capacity"] != "registry":
        detail = "This event records an act of somebody else. Only acts of the registry can be rectified."
        raise Conflict(detail, "not-of-the-registry")
    content = contents.write(db, case_id, event.audience_id, {"correction": body.correction, "reason": body.reason})
    rectification = Rectification(
        id=new_id(db),
        case_id=case_id,
        audience_id=event.audience_id,
        event_id=event.id,
        user_id=actor.id,
        content_id=content.id,
        rectified_at=now,
    )
    db.add(rectification)
    act = Act("rectify", now, author_of(actor, "registry"), Subject(case_id, event.audience_id, event.audience))
    payload = {"rectification_id": str(rectification.id), "event_id": str(event.id), "rectifies": event.type}
    ledger.record(db, act, "event-rectified", payload, content=content)
    return (case_id, rectification.id)


def _event(db: GatedSession, case_id: UUID, event_id: UUID) -> AnyRow | None:
    columns = (Event.id, Event.type, Event.actor, Event.audience_id, Audience.name.label("audience"))
    statement = select(*columns).join(Audience, Audience.id == Event.audience_id)
    return db.execute(statement.where(Event.case_id == case_id, Event.id == event_id)).one_or_none()
