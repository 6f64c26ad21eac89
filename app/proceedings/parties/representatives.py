"""Representatives: the agents and counsel who act for a party, with their powers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES, CapacityView
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.paging import Page, Sort, listed
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.people import User
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.paper_acts import check_given
from app.proceedings.parties.admission import judge_admission
from app.proceedings.parties.schemas import PowersOut, RepresentativeIn, RepresentativeList, RepresentativeOut
from app.proceedings.parties.service import author_for, check_open, read_party
from app.proceedings.steps.consents_and_powers import PartyPowers, write_powers
from app.proceedings.steps.schemas import PowersIn

_COLUMNS = (
    Capacity.id,
    Capacity.case_id,
    Capacity.party_id,
    Capacity.user_id,
    User.name,
    func.coalesce(Capacity.invited_as, User.email).label("invited_as"),
    Capacity.role,
    Capacity.pending,
    Capacity.powers_id,
    Capacity.admitted_at,
    Capacity.admitted_by,
    (Capacity.generation > 0).label("reads_from_admission"),
    Capacity.opening_proposed_by,
    Capacity.ended_at,
)


@dataclass(frozen=True, slots=True)
class RepresentativePath:
    """The ids by which a path names a representative."""

    case_id: UUID
    party_id: UUID
    representative_id: UUID

    @property
    def ids(self) -> tuple[UUID, UUID, UUID]:
        """The ids in the order of the path."""
        return (self.case_id, self.party_id, self.representative_id)


def list_representatives(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, page: Page
) -> RepresentativeList:
    """Return a page of those who act or acted for a party; raises NotFound if the actor may not see the party."""
    read_party(db, actor, now, case_id, party_id)
    return _listed(db, actor, case_id, _representatives(case_id).where(Capacity.party_id == party_id), page)


def list_case_representatives(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page
) -> RepresentativeList:
    """Return a page of those who act or acted for any party; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    return _listed(db, actor, case_id, _representatives(case_id), page)


def _listed(db: GatedSession, actor: Actor, case_id: UUID, statement: Any, page: Page) -> RepresentativeList:
    listing = listed(db, statement, page, Sort(Capacity.admitted_at, Capacity.id, datetime))
    return RepresentativeList(items=_out(db, actor, case_id, listing.rows), next=listing.next, count=listing.count)


def read_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, representative_id: UUID
) -> RepresentativeOut:
    """Return one representative; raises NotFound if the actor may not see it."""
    wanted = _representatives(case_id).where(Capacity.party_id == party_id, Capacity.id == representative_id)
    row = db.execute(wanted).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, actor, case_id, [row])[0]


def read_case_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, representative_id: UUID
) -> RepresentativeOut:
    """Return one representative of any party; raises NotFound if the actor may not see it."""
    row = db.execute(_representatives(case_id).where(Capacity.id == representative_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, actor, case_id, [row])[0]


def _representatives(case_id: UUID) -> Any:
    of_parties = (Capacity.case_id == case_id, Capacity.role.in_(REPRESENTATIVES))
    return select(*_COLUMNS).join(User, User.id == Capacity.user_id).where(*of_parties)


def _out(db: GatedSession, actor: Actor, case_id: UUID, rows: Sequence[AnyRow]) -> list[RepresentativeOut]:
    own = capacities.my_parts(db, actor, [case_id]) if any(row.pending for row in rows) else set()
    own_parties = {party_id for _case_id, _role, party_id in own}
    admitted = _admitted_by(db, rows)
    powers = contents.openings(db, [row.powers_id for row in rows if row.powers_id is not None])
    return [
        RepresentativeOut(
            id=row.id,
            party_id=row.party_id,
            # Until then nothing tells whether there was an account with the address, or whose it is.
            user_id=None if row.pending else row.user_id,
            name=None if row.pending else row.name,
            email=row.invited_as if row.pending and (actor.is_staff or str(row.party_id) in own_parties) else None,
            role=row.role,
            pending=row.pending,
            # The opening is missing where the reader may not know of the powers.
            powers=PowersOut.model_validate(powers[row.powers_id].body) if row.powers_id in powers else None,
            office=powers[row.powers_id].body.get("office") if row.powers_id in powers else None,
            admitted_at=None if row.pending else row.admitted_at,
            admitted_by=row.admitted_by,
            # Those whom the person admitted earlier would tell who it is.
            admitted=[] if row.pending else admitted.get((row.party_id, row.user_id), []),
            reads_from_admission=row.reads_from_admission,
            opening_proposed_by=row.opening_proposed_by,
            ended_at=row.ended_at,
        )
        for row in rows
    ]


def _admitted_by(db: GatedSession, rows: Sequence[AnyRow]) -> dict[tuple[UUID, UUID], list[UUID]]:
    """The representatives who have not ended and whom these people admitted, by party and person."""
    columns, ids_of = (Capacity.case_id, Capacity.party_id, Capacity.admitted_by), ("case_id", "party_id", "user_id")
    of_them = [column.in_({getattr(row, name) for row in rows}) for column, name in zip(columns, ids_of, strict=True)]
    admitted = select(Capacity.id, *columns).where(*of_them, Capacity.ended_at.is_(None))
    ids: dict[tuple[UUID, UUID], list[UUID]] = {}
    for each in db.execute(admitted.order_by(Capacity.admitted_at, Capacity.id)):
        ids.setdefault((each.party_id, each.admitted_by), []).append(each.id)
    return ids


def admit_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, body: RepresentativeIn
) -> tuple[UUID, UUID, UUID]:
    """Admit somebody to act for a party: the registry admits its first agent, and its agents admit all others.

    Somebody whom an agent names by e-mail is invited, whether or not there is an account with that address, and may
    act once the registry has approved them. So is somebody without an account whom the registry names.
    An agent whom the registry admits after others have ended reads what is written from then on, and so do those whom
    that agent admits. Raises Forbidden for anybody else, Invalid for somebody who cannot act for a party and for powers
    of a day to come, and Conflict for somebody whose present or former part in the case excludes this one.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    read_party(db, actor, now, case_id, party_id)
    agents = circle.agents_of(party_id)
    if not _is_agent(agents, actor) and not (actor.is_staff and not agents):
        detail = "Only the registry may admit a party's first agent, and only that party's agents may admit others."
        raise Forbidden(detail)
    return _admit(db, actor, now, case, party_id, body)


def admit_as_registry(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, body: RepresentativeIn
) -> tuple[UUID, UUID, UUID]:
    """Admit somebody whom a court named to act for a party, whether it has an agent or not; the actor is the registry.

    Raises Invalid and Conflict as `admit_representative` does.
    """
    return _admit(db, actor, now, lock_case(db, actor, case_id), party_id, body)


def _admit(
    db: GatedSession, actor: Actor, now: datetime, case: Case, party_id: UUID, body: RepresentativeIn
) -> tuple[UUID, UUID, UUID]:
    case_id, circle = case.id, circle_of(db, view_of(case))
    if not circle.agents_of(party_id) and body.role != "agent":
        raise invalid("/role", "first-agent", "The first representative of a party must be an 'agent'.")
    check_given(case, body.powers.issued_on, now, "/powers/issued_on")
    check_open(case)
    admission = judge_admission(db, actor, now, case, body, {party_id})
    representative_id = new_id(db)
    powers = write_powers(db, now, admission.author, case_id, PartyPowers(party_id, representative_id, body.powers))
    representative = admission.capacity(representative_id, case, party_id, body, powers.id)
    capacities.admit(db, representative)
    act = Act("admit", now, admission.author, Subject(case.id, case.audience_id, "case"))
    record(db, act, representative, "representative-invited" if representative.pending else "representative-admitted")
    return (case_id, party_id, representative_id)


def _is_agent(agents: Sequence[CapacityView], actor: Actor) -> bool:
    return any(held.user_id == actor.id for held in agents)


def record(db: GatedSession, act: Act, representative: Capacity, kind: str) -> None:
    """Record an event about a representative."""
    payload = {
        "representative_id": str(representative.id),
        "party_id": str(representative.party_id),
        "role": representative.role,
    }
    ledger.record(db, act, kind, payload)


def record_powers(
    db: GatedSession, actor: Actor, now: datetime, path: RepresentativePath, body: PowersIn
) -> tuple[UUID, UUID, UUID]:
    """Record new powers of a representative, which replace those on record.

    Raises NotFound, Forbidden for anybody but the party's agents and the registry, Invalid for powers of a day to come,
    and Conflict in a closed case or for somebody who no longer acts for the party.
    """
    case, circle, representative = lock_representative(db, actor, path)
    check_entitled(circle, actor, path.party_id)
    check_given(case, body.issued_on, now, "/issued_on")
    check_open(case)
    author = author_for(actor, circle, path.party_id)
    powers = write_powers(db, now, author, case.id, PartyPowers(path.party_id, representative.id, body))
    representative.powers_kind, representative.powers_id = body.kind, powers.id
    return path.ids


def lock_representative(db: GatedSession, actor: Actor, path: RepresentativePath) -> tuple[Case, Circle, Capacity]:
    """Lock the case and return it with its circle and the representative; raises NotFound, and Conflict once ended."""
    case = lock_case(db, actor, path.case_id)
    wanted = (
        Capacity.id == path.representative_id,
        Capacity.case_id == path.case_id,
        Capacity.party_id == path.party_id,
    )
    representative = db.execute(select(Capacity).where(*wanted)).scalar_one_or_none()
    if representative is None:
        raise NotFound
    if representative.ended_at is not None:
        raise Conflict(
            "This person no longer acts for the party. Admit them again if they are to act.", "already-ended"
        )
    return case, circle_of(db, view_of(case)), representative


def check_entitled(circle: Circle, actor: Actor, party_id: UUID) -> None:
    """Check that the actor may act on a party's representatives; raises Forbidden otherwise."""
    if not actor.is_staff and not _is_agent(circle.agents_of(party_id), actor):
        raise Forbidden("Only the party's agents and the registry may do this.", "not-your-capacity")
