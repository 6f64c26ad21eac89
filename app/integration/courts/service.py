"""Courts, as administrators enter them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.courts import Court
from app.integration.courts.schemas import CourtIn, CourtList, CourtOut

_COLUMNS = tuple(getattr(Court, name) for name in CourtOut.model_fields)
READERS = ("admin", "registrar")


def list_courts(db: GatedSession, actor: Actor, now: datetime, page: Page) -> CourtList:
    """Every court, for administrators and registrars; Forbidden for others."""
    if actor.role not in READERS:
        raise Forbidden("Administrators and registrars see which courts refer cases.")
    found = listed(db, select(*_COLUMNS), page, Sort(Court.created_at, Court.id, datetime))
    return CourtList(items=[CourtOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_court(db: GatedSession, actor: Actor, now: datetime, court_id: UUID) -> CourtOut:
    """One court; NotFound for others than administrators and registrars too."""
    row = db.execute(select(*_COLUMNS).where(Court.id == court_id)).one_or_none()
    if row is None or actor.role not in READERS:
        raise NotFound
    return CourtOut.model_validate(row)


def enter_court(db: GatedSession, actor: Actor, now: datetime, given: CourtIn) -> tuple[UUID]:
    """Enter a court; Forbidden for others than administrators, Conflict for a name that is there already."""
    only_admin(actor)
    return (write_court(db, now, given, author_of(actor, "admin")),)


def write_court(db: GatedSession, now: datetime, given: CourtIn, by: Author) -> UUID:
    """Write a court, whoever enters it; Conflict for a name that is there already in that jurisdiction."""
    same = (Court.name == given.name, Court.jurisdiction == given.jurisdiction)
    if db.execute(select(Court.id).where(*same)).first() is not None:
        raise Conflict("A court of this name and jurisdiction is entered already.", "exists")
    court = Court(id=new_id(db), created_at=now, **given.model_dump())
    db.add(court)
    payload = {"court_id": str(court.id)}
    ledger.record(db, Act("enter", now, by, installation_subject(db, "registry")), "court-entered", payload)
    return court.id
