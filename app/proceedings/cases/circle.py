"""The circle of a case: the parties, capacities and audiences that decide who may read what."""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Integer, String, Uuid, bindparam, exists, union_all
from sqlalchemy.orm import aliased

from app.core.access import service as access
from app.core.access.circle import Circle
from app.core.access.policy import AudienceView, CapacityView, CaseView, PartyView
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow, Json, UtcDateTime, columns_of_kind
from app.core.ledger.acts import Subject
from app.core.tables.audiences import Audience
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.parties import Party

# The columns that `view_of` reads.
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
    parties = sorted((row for row in rows if row.what == "party"), key=lambda row: row.number)
    capacities = sorted((row for row in rows if row.what == "capacity"), key=lambda row: str(row.id))
    audiences = [row for row in rows if row.what == "audience"]
    return access.keep_circle(
        db,
        case,
        [
            PartyView(
                row.id,
                row.side,
                row.generation,
                row.name,
                bool(row.had_agent),
                row.reads_until,
                row.left_at,
                tuple((first, last) for first, last in row.earlier),
            )
            for row in parties
        ],
        [
            CapacityView(row.id, row.user_id, row.role, row.party_id, row.generation, row.powers_kind, row.powers_id)
            for row in capacities
        ],
        [
            AudienceView(
                row.id,
                row.name,
                frozenset(UUID(party_id) for party_id in row.party_ids),
                row.person_id,
                row.generation,
                row.open_to,
                None if row.kept_for is None else frozenset(UUID(person) for person in row.kept_for),
                bool(row.private),
            )
            for row in audiences
        ],
    )


def begin_generation(db: GatedSession, case: Case) -> int:
    """Begin a new generation of the case's audiences: people who join now read only what is written from now on."""
    case.generation += 1
    access.bring_into_line(db, view_of(case))
    return case.generation


# The columns of parties, capacities and audiences, so that one statement reads them all.
_SHAPE: dict[str, Any] = {
    "id": Uuid(),
    "generation": Integer(),
    "number": Integer(),
    "side": String(),
    "role": String(),
    "user_id": Uuid(),
    "party_id": Uuid(),
    "powers_kind": String(),
    "powers_id": Uuid(),
    "name": String(),
    "party_ids": Json,
    "person_id": Uuid(),
    "open_to": Integer(),
    "had_agent": Boolean(),
    "reads_until": Integer(),
    "left_at": UtcDateTime(),
    "earlier": Json,
    "kept_for": Json,
    "private": Boolean(),
}


def _circle_statement() -> Any:
    """Parties, living capacities and audiences of a case, in one statement, made once."""
    case_id: Any = bindparam("case_id")
    agent = aliased(Capacity)
    had_agent = exists().where(
        agent.case_id == Party.case_id, agent.party_id == Party.id, agent.role == "agent", agent.pending.is_(False)
    )
    parties = columns_of_kind(
        "party",
        _SHAPE,
        id=Party.id,
        generation=Party.generation,
        number=Party.number,
        side=Party.side,
        name=Party.name,
        had_agent=had_agent,
        reads_until=Party.reads_until,
        left_at=Party.left_at,
        earlier=Party.earlier,
    )
    capacities = columns_of_kind(
        "capacity",
        _SHAPE,
        id=Capacity.id,
        generation=Capacity.generation,
        role=Capacity.role,
        user_id=Capacity.user_id,
        party_id=Capacity.party_id,
        powers_kind=Capacity.powers_kind,
        powers_id=Capacity.powers_id,
    )
    audiences = columns_of_kind(
        "audience",
        _SHAPE,
        id=Audience.id,
        generation=Audience.generation,
        name=Audience.name,
        party_ids=Audience.party_ids,
        person_id=Audience.person_id,
        open_to=Audience.open_to,
        kept_for=Audience.kept_for,
        private=Audience.private,
    )
    return union_all(
        parties.where(Party.case_id == case_id),
        capacities.where(Capacity.case_id == case_id, Capacity.ended_at.is_(None), Capacity.pending.is_(False)),
        audiences.where(Audience.case_id == case_id),
    )


_CIRCLE = _circle_statement()


def act_subject(db: GatedSession, case: Case | AnyRow) -> Subject:
    """The stream of acts on the case itself: the participants', or the filer's side's before the case is lodged."""
    if case.lodged_at is not None:
        return Subject(case.id, access.audience(db, case.id, "participants"), "participants")
    filer = frozenset(party.id for party in circle_of(db, view_of(case)).parties[:1])
    return Subject(case.id, access.audience(db, case.id, "party", filer), "party")
