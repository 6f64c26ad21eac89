"""Courts that may refer cases, entered by administrators."""

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
from app.integration.courts.schemas import CourtChange, CourtIn, CourtList, CourtOut

_COLUMNS = tuple(getattr(Court, name) for name in CourtOut.model_fields)
READERS = ("admin", "registrar")


def list_courts(db: GatedSession, actor: Actor, now: datetime, page: Page) -> CourtList:
    """List the courts; Forbidden unless the actor is an administrator or a registrar."""
    if actor.role not in READERS:
        raise Forbidden("Only administrators and registrars may list courts.")
    listing = listed(db, select(*_COLUMNS), page, Sort(Court.created_at, Court.id, datetime))
    return CourtList(
        items=[CourtOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_court(db: GatedSession, actor: Actor, now: datetime, court_id: UUID) -> CourtOut:
    """Read one court; NotFound also unless the actor is an administrator or a registrar."""
    row = db.execute(select(*_COLUMNS).where(Court.id == court_id)).one_or_none()
    if row is None or actor.role not in READERS:
        raise NotFound
    return CourtOut.model_validate(row)


def enter_court(db: GatedSession, actor: Actor, now: datetime, court_in: CourtIn) -> tuple[UUID]:
    """Enter a court; Forbidden unless the actor is an administrator, Conflict as `write_court` raises it."""
    only_admin(actor)
    return (write_court(db, now, court_in, author_of(actor, "admin")),)


def lock_court(db: GatedSession, actor: Actor, court_id: UUID) -> Court:
    """Lock a court; NotFound if there is none, and unless the actor is an administrator or a registrar."""
    # NO KEY UPDATE, as a referral takes it: the two wait for each other.
    statement = select(Court).where(Court.id == court_id).with_for_update(key_share=True, of=Court)
    court = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if court is None or actor.role not in READERS:
        raise NotFound
    return court


def change_court(db: GatedSession, actor: Actor, now: datetime, court_id: UUID, change: CourtChange) -> tuple[UUID]:
    """Correct or suspend a court's entry; the event records the earlier values.

    Raises NotFound, Forbidden unless the actor is an administrator, and Conflict if the jurisdiction already has a
    court of the new name.
    """
    court = lock_court(db, actor, court_id)
    only_admin(actor)
    sent = change.model_dump(mode="json", exclude_unset=True)
    before = {name: getattr(court, name) for name, value in sent.items() if getattr(court, name) != value}
    if not before:
        return (court_id,)
    after = {name: sent[name] for name in before}
    if not before.keys().isdisjoint({"name", "jurisdiction"}):
        _check_free(db, after.get("name", court.name), after.get("jurisdiction", court.jurisdiction))
    for name, value in after.items():
        setattr(court, name, value)
    payload = {"court_id": str(court_id), "before": before, "after": after}
    act = Act("change", now, author_of(actor, "admin"), installation_subject(db, "registry"))
    ledger.record(db, act, "court-changed", payload)
    return (court_id,)


def _check_free(db: GatedSession, name: str, jurisdiction: str) -> None:
    same = (Court.name == name, Court.jurisdiction == jurisdiction)
    if db.execute(select(Court.id).where(*same)).first() is not None:
        raise Conflict("A court with this name and jurisdiction already exists. Change that entry instead.", "exists")


def write_court(db: GatedSession, now: datetime, court_in: CourtIn, by: Author) -> UUID:
    """Write a court; Conflict if its jurisdiction already has a court of this name."""
    _check_free(db, court_in.name, court_in.jurisdiction)
    court = Court(id=new_id(db), created_at=now, **court_in.model_dump())
    db.add(court)
    payload = {"court_id": str(court.id)}
    ledger.record(db, Act("enter", now, by, installation_subject(db, "registry")), "court-entered", payload)
    return court.id
