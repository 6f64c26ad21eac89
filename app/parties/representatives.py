"""Those who act for a party: its agents and counsel, with their powers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import service as access
from app.access.models import Capacity, User
from app.access.policy import REPRESENTATIVES
from app.access.service import Actor
from app.cases import consequences
from app.cases.locking import circle_of, lock_case, view_of
from app.db import new_id
from app.errors import Conflict, Forbidden, NotFound, invalid
from app.ledger import service as ledger
from app.paging import Page, cut, seek
from app.parties.schemas import RepresentativeIn, RepresentativeList, RepresentativeOut
from app.parties.service import check_open, read_party, side_of

_REPRESENTATIVE = (
    Capacity.id,
    Capacity.party_id,
    Capacity.user_id,
    User.name,
    Capacity.role,
    Capacity.admitted_at,
    Capacity.ended_at,
)


def list_representatives(
    db: Session, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, page: Page
) -> RepresentativeList:
    """Those who act or acted for a party; NotFound if the party is not the actor's to see."""
    read_party(db, actor, now, case_id, party_id)
    statement = _representatives(case_id, party_id)
    rows = db.execute(seek(db, statement, page, Capacity.admitted_at, Capacity.id, datetime)).all()
    kept, following = cut(db, rows, page, lambda row: (row.admitted_at, row.id))
    return RepresentativeList(items=[RepresentativeOut.model_validate(row) for row in kept], next=following)


def read_representative(
    db: Session, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, representative_id: UUID
) -> RepresentativeOut:
    """One representative; NotFound if there is none that the actor may see."""
    row = db.execute(_representatives(case_id, party_id).where(Capacity.id == representative_id)).one_or_none()
    if row is None:
        raise NotFound
    return RepresentativeOut.model_validate(row)


def _representatives(case_id: UUID, party_id: UUID) -> Any:
    mine = (Capacity.case_id == case_id, Capacity.party_id == party_id, Capacity.role.in_(REPRESENTATIVES))
    return select(*_REPRESENTATIVE).join(User, User.id == Capacity.user_id).where(*mine)


def admit_representative(
    db: Session, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, given: RepresentativeIn
) -> tuple[UUID, UUID, UUID]:
    """Admit somebody to act for a party: the registry the first agent, who adds the party's own people.

    Raises Forbidden for anybody else, Invalid for somebody who cannot act for a party, and Conflict for somebody who
    already has a part in the case.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    read_party(db, actor, now, case_id, party_id)
    acting = [held for held in known.capacities if held.party_id == party_id and held.role in REPRESENTATIVES]
    agent = any(held.user_id == actor.id and held.role == "agent" for held in acting)
    if not agent and not (actor.is_staff and not acting):
        raise Forbidden("The registry admits a party's first agent; that agent adds the party's own people.")
    if not acting and given.role != "agent":
        raise invalid("/role", "first-agent", "The first to act for a party is its agent.")
    check_open(case)
    user = db.execute(select(User.role, User.active).where(User.id == given.user_id)).one_or_none()
    if user is None or not user.active or user.role != "user":
        raise invalid("/user_id", "unknown-user", "Name an active user who does not work for the institution.")
    if any(held.user_id == given.user_id for held in known.capacities):
        raise Conflict("This person already has a part in the case.", "already-in-case")
    representative_id = new_id(db)
    capacity = "registry" if actor.is_staff else side_of(known, party_id)
    by = ledger.actor_of(actor, capacity, None if actor.is_staff else party_id)
    written = consequences.write_powers(db, now, case_id, party_id, given.powers, representative_id, by)
    row = Capacity(
        id=representative_id,
        case_id=case_id,
        audience_id=case.audience_id,
        user_id=given.user_id,
        role=given.role,
        party_id=party_id,
        generation=0,
        powers_kind=given.powers.kind,
        powers_id=written.id,
        admitted_at=now,
    )
    access.admit(db, row)
    payload = {"representative_id": str(row.id), "party_id": str(party_id), "role": row.role}
    subject = ledger.Subject(case_id, case.audience_id, "case")
    ledger.record(db, now, subject, "representative-admitted", "admit", by, payload)
    return (case_id, party_id, row.id)
