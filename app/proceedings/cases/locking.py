"""A case as an act finds it: seen through the gate, locked, and read again once the lock is held."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, String, Uuid, bindparam, select, union_all

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import AudienceView, CapacityView, CaseView, PartyView
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow, Json, one_shape
from app.core.errors import NotFound
from app.core.ledger.acts import Subject
from app.core.tables.audiences import Audience
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.parties import Party


def require_case(db: GatedSession, case_id: UUID) -> None:
    """NotFound unless the actor may see that the case exists."""
    if db.execute(select(Case.id).where(Case.id == case_id)).first() is None:
        raise NotFound


def lock_case(db: GatedSession, actor: Actor, case_id: UUID, *_item: UUID) -> Case:
    """The case, locked against other acts until the transaction ends; NotFound if it is not the actor's to see."""
    # NO KEY UPDATE: plain FOR UPDATE would deadlock with the share lock that another act's rows take on the case.
    statement = select(Case).where(Case.id == case_id).with_for_update(key_share=True, of=Case)
    case = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if case is None:
        raise NotFound
    circle_of(db, view_of(case))
    keep_locked(db, case)
    # While this waited for the lock, its holder may have ended the actor's access.
    if not access.reads(db, actor, case.id, case.audience_id):
        raise NotFound
    return case


def keep_locked(db: GatedSession, case: Case) -> None:
    """Keep a case that no other act can move before this transaction ends: it is locked, or was made here."""
    db.locked[case.id] = case


def lock_case_as_system(db: GatedSession, case_id: UUID) -> AnyRow:
    """The case's columns, locked, for somebody who acts on an item of a case that they do not see."""
    with as_system(db):
        columns = select(
            Case.id,
            Case.audience_id,
            Case.procedure,
            Case.stage,
            Case.phase,
            Case.title,
            Case.opened_at,
            Case.lodged_at,
            Case.served_at,
            Case.generation,
            Case.court_id,
            Case.referral_id,
            Case.seat_time_zone,
            Case.day_time_zone,
        )
        case = db.execute(columns.where(Case.id == case_id).with_for_update(key_share=True, of=Case)).one()
    circle_of(db, view_of(case))
    return case


# What `view_of` looks at, for those who read no more of a case.
VIEWED = (
    Case.id,
    Case.audience_id,
    Case.opened_at,
    Case.lodged_at,
    Case.served_at,
    Case.generation,
    Case.court_id,
)


def view_of(case: Case | AnyRow) -> CaseView:
    """The case as the policy sees it."""
    return CaseView(
        case.id,
        case.audience_id,
        case.opened_at,
        case.lodged_at is not None,
        case.served_at is not None,
        case.generation,
        case.court_id,
    )


def circle_of(db: GatedSession, case: CaseView) -> Circle:
    """The case's circle, read once in a transaction."""
    if case.id in db.circles:
        return access.known_circle(db, case.id)
    with as_system(db):
        rows = db.execute(_CIRCLE, {"case_id": case.id}).all()
    found: dict[str, list[AnyRow]] = {"party": [], "capacity": [], "audience": []}
    for row in rows:
        found[row.what].append(row)
    return access.keep_circle(
        db,
        case,
        [PartyView(row.id, row.name, row.number) for row in sorted(found["party"], key=lambda row: row.place)],
        [
            CapacityView(row.id, row.person, row.name, row.party, row.number, row.kind, row.powers)
            for row in sorted(found["capacity"], key=lambda row: str(row.id))
        ],
        [
            AudienceView(
                row.id, row.name, frozenset(UUID(party) for party in row.data), row.person, row.number, row.place
            )
            for row in found["audience"]
        ],
    )


def begin_generation(db: GatedSession, case: Case) -> int:
    """Begin a new generation of the case's audiences: who comes now reads what is written from here on."""
    case.generation += 1
    access.bring_into_line(db, view_of(case))
    return case.generation


_SHAPE: dict[str, Any] = {
    "id": Uuid(),
    "name": String(),
    "number": Integer(),
    "place": Integer(),
    "person": Uuid(),
    "party": Uuid(),
    "kind": String(),
    "powers": Uuid(),
    "data": Json,
}


def _circle_statement() -> Any:
    """Parties, living capacities and audiences of a case, in one statement, made once."""
    case_id: Any = bindparam("case_id")
    parties = one_shape("party", _SHAPE, id=Party.id, name=Party.side, number=Party.generation, place=Party.number)
    capacities = one_shape(
        "capacity",
        _SHAPE,
        id=Capacity.id,
        name=Capacity.role,
        number=Capacity.generation,
        person=Capacity.user_id,
        party=Capacity.party_id,
        kind=Capacity.powers_kind,
        powers=Capacity.powers_id,
    )
    audiences = one_shape(
        "audience",
        _SHAPE,
        id=Audience.id,
        name=Audience.name,
        number=Audience.generation,
        place=Audience.open_to,
        person=Audience.person_id,
        data=Audience.party_ids,
    )
    return union_all(
        parties.where(Party.case_id == case_id),
        capacities.where(Capacity.case_id == case_id, Capacity.ended_at.is_(None), Capacity.pending.is_(False)),
        audiences.where(Audience.case_id == case_id),
    )


_CIRCLE = _circle_statement()


def act_subject(db: GatedSession, case: Case) -> Subject:
    """Where acts on the case itself are told: among the participants, or its filer's side before it is lodged."""
    if case.lodged_at is not None:
        return Subject(case.id, access.audience(db, case.id, "participants"), "participants")
    known = circle_of(db, view_of(case))
    filer = frozenset(party.id for party in known.parties[:1])
    return Subject(case.id, access.audience(db, case.id, "party", filer), "party")
