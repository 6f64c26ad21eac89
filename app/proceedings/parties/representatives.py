"""Those who act for a party: its agents and counsel, with their powers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES, CapacityView
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.people import User
from app.core.values import email_key
from app.institution.people.schemas import UserIn
from app.institution.people.service import write_user
from app.proceedings.cases.locking import circle_of, lock_case, view_of
from app.proceedings.parties.schemas import EndIn, PowersOut, RepresentativeIn, RepresentativeList, RepresentativeOut
from app.proceedings.parties.service import check_open, read_party, side_of
from app.proceedings.steps import consequences
from app.proceedings.steps.schemas import PowersIn

_REPRESENTATIVE = (
    Capacity.id,
    Capacity.party_id,
    Capacity.user_id,
    User.name,
    Capacity.role,
    Capacity.pending,
    Capacity.powers_id,
    Capacity.admitted_at,
    Capacity.ended_at,
)


def list_representatives(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, page: Page
) -> RepresentativeList:
    """Those who act or acted for a party; NotFound if the party is not the actor's to see."""
    read_party(db, actor, now, case_id, party_id)
    statement = _representatives(case_id, party_id)
    found = listed(db, statement, page, Sort(Capacity.admitted_at, Capacity.id, datetime))
    return RepresentativeList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, representative_id: UUID
) -> RepresentativeOut:
    """One representative; NotFound if there is none that the actor may see."""
    row = db.execute(_representatives(case_id, party_id).where(Capacity.id == representative_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _representatives(case_id: UUID, party_id: UUID) -> Any:
    mine = (Capacity.case_id == case_id, Capacity.party_id == party_id, Capacity.role.in_(REPRESENTATIVES))
    return select(*_REPRESENTATIVE).join(User, User.id == Capacity.user_id).where(*mine)


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[RepresentativeOut]:
    powers = contents.openings(db, [row.powers_id for row in rows if row.powers_id is not None])
    return [
        RepresentativeOut(
            id=row.id,
            party_id=row.party_id,
            user_id=row.user_id,
            name=row.name,
            role=row.role,
            pending=row.pending,
            powers=PowersOut.model_validate(powers[row.powers_id].body) if row.powers_id in powers else None,
            admitted_at=None if row.pending else row.admitted_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]


def admit_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, given: RepresentativeIn
) -> tuple[UUID, UUID, UUID]:
    """Admit somebody to act for a party: the registry its first agent, who adds the party's own people.

    Somebody without an account is invited, and acts once the registry has approved the account.
    Raises Forbidden for anybody else, Invalid for somebody who cannot act for a party, and Conflict for somebody who
    has, or had, a part in the case that does not go with it.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    read_party(db, actor, now, case_id, party_id)
    agents = [held for held in known.capacities if held.party_id == party_id and held.role == "agent"]
    if not _is_agent(agents, actor) and not (actor.is_staff and not agents):
        raise Forbidden("The registry admits a party's first agent; that agent adds the party's own people.")
    if not agents and given.role != "agent":
        raise invalid("/role", "first-agent", "The first to act for a party is its agent.")
    check_open(case)
    by = _by(actor, known, party_id)
    user_id, pending = _person(db, now, given, by)
    _must_be_free(db, known, case_id, user_id, party_id)
    representative_id = new_id(db)
    written = consequences.write_powers(db, now, case_id, party_id, given.powers, representative_id, by)
    row = Capacity(
        id=representative_id,
        case_id=case_id,
        audience_id=case.audience_id,
        user_id=user_id,
        role=given.role,
        party_id=party_id,
        generation=0,
        powers_kind=given.powers.kind,
        powers_id=written.id,
        pending=pending,
        admitted_at=now,
    )
    capacities.admit(db, row)
    _record(db, now, case, "representative-invited" if pending else "representative-admitted", "admit", by, row)
    return (case_id, party_id, row.id)


def _is_agent(agents: Sequence[CapacityView], actor: Actor) -> bool:
    return any(held.user_id == actor.id for held in agents)


def _by(actor: Actor, known: Circle, party_id: UUID) -> Author:
    if actor.is_staff:
        return author_of(actor, "registry")
    return author_of(actor, side_of(known, party_id), party_id)


def _person(db: GatedSession, now: datetime, given: RepresentativeIn, by: Author) -> tuple[UUID, bool]:
    """Whose account it is, and whether that account waits for approval; made if the address has none."""
    columns = select(User.id, User.role, User.active, User.awaits_approval)
    if given.email is None:
        pointer, user = "/user_id", db.execute(columns.where(User.id == given.user_id)).one_or_none()
    else:
        pointer = "/email"
        user = db.execute(columns.where(User.email_key == email_key(given.email))).one_or_none()
        if user is None:
            invited = UserIn(name=given.name or given.email[:300], email=given.email, role="user")
            return write_user(db, now, invited, by, invited=True), True
    if user is None or user.role != "user" or not (user.active or user.awaits_approval):
        raise invalid(pointer, "unknown-user", "Name an active user who does not work for the institution.")
    return user.id, user.awaits_approval


def _must_be_free(db: GatedSession, known: Circle, case_id: UUID, user_id: UUID, party_id: UUID) -> None:
    """Conflict if the person has a part in the case that does not go with this one, or had one on another side."""
    side = side_of(known, party_id)
    for part in capacities.parts_of(db, case_id, user_id):
        represents = part.role in REPRESENTATIVES and part.party_id is not None
        if represents and part.party_id is not None and side_of(known, part.party_id) != side:
            raise Conflict("This person acts, or has acted, for another side of the case.", "already-in-case")
        if part.role == "mediator" or (part.lives and (not represents or part.party_id == party_id)):
            raise Conflict("This person already has a part in the case.", "already-in-case")


def _record(db: GatedSession, now: datetime, case: Case, kind: str, act: str, by: Author, row: Capacity) -> None:
    payload = {"representative_id": str(row.id), "party_id": str(row.party_id), "role": row.role}
    subject = Subject(case.id, case.audience_id, "case")
    ledger.record(db, Act(act, now, by, subject), kind, payload)


def record_powers(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case_id: UUID,
    party_id: UUID,
    representative_id: UUID,
    given: PowersIn,
) -> tuple[UUID, UUID, UUID]:
    """Record new powers of a representative, in the place of those on record.

    Raises NotFound, Forbidden for others than the party's agents and the registry, and Conflict for one who has left.
    """
    case, known, row = _representative(db, actor, case_id, party_id, representative_id)
    _only_its_own(known, actor, party_id)
    check_open(case)
    by = _by(actor, known, party_id)
    written = consequences.write_powers(db, now, case_id, party_id, given, row.id, by)
    row.powers_kind, row.powers_id = given.kind, written.id
    return (case_id, party_id, row.id)


def end_representative(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, representative_id: UUID, given: EndIn
) -> tuple[UUID, UUID, UUID]:
    """End what somebody is for a party: from here on they read nothing of the case.

    Raises NotFound, Forbidden for others than the party's agents, the registry and the person, and Conflict for one who
    has left already, or for the only agent of a request that nobody else sees yet.
    """
    case, known, row = _representative(db, actor, case_id, party_id, representative_id)
    if row.user_id != actor.id:
        _only_its_own(known, actor, party_id)
    agents = [held for held in known.capacities if held.role == "agent" and held.party_id == party_id]
    if case.lodged_at is None and [held.id for held in agents] == [row.id]:
        raise Conflict("The only agent of a request that is not lodged stays: nobody else sees it.", "only-agent")
    by = _by(actor, known, party_id)
    if given.reason is not None:
        _reason(db, now, case, party_id, row, given.reason, by)
    _record(db, now, case, "representative-ended", "end", by, row)
    row.ended_at = now
    db.flush()
    capacities.end_capacities(db, case_id, [row.id], now)
    return (case_id, party_id, row.id)


def _reason(
    db: GatedSession, now: datetime, case: Case, party_id: UUID, row: Capacity, reason: str, by: Author
) -> None:
    """Keep the reason where the powers lie: with the party's own side and the registry."""
    audience_id = access.audience(db, case.id, "party-registry", frozenset({party_id}))
    written = contents.write(db, case.id, audience_id, {"reason": reason})
    subject = Subject(case.id, audience_id, "party-registry")
    payload = {"representative_id": str(row.id), "party_id": str(party_id), "kind": row.powers_kind}
    ledger.record(db, Act("end", now, by, subject), "powers-ended", payload, content=written)


def _representative(
    db: GatedSession, actor: Actor, case_id: UUID, party_id: UUID, representative_id: UUID
) -> tuple[Case, Circle, Capacity]:
    case = lock_case(db, actor, case_id)
    mine = (Capacity.id == representative_id, Capacity.case_id == case_id, Capacity.party_id == party_id)
    row = db.execute(select(Capacity).where(*mine)).scalar_one_or_none()
    if row is None:
        raise NotFound
    if row.ended_at is not None:
        raise Conflict("This person acts for the party no longer.", "already-ended")
    return case, circle_of(db, view_of(case)), row


def _only_its_own(known: Circle, actor: Actor, party_id: UUID) -> None:
    agents = [held for held in known.capacities if held.party_id == party_id and held.role == "agent"]
    if not actor.is_staff and not _is_agent(agents, actor):
        raise Forbidden("A party's agents and the registry do this.", "not-your-capacity")
