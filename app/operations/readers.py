"""Compares the stored audience readers with the policy."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.core.access.policy import AudienceView, CapacityView, PartyView, limits_of, readers_of
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF, Audience, AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.courts import Referral
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.proceedings.cases.circle import VIEWED, view_of

TOO_MANY = "may read it and should not"
TOO_FEW = "should read it and may not"
MISPLACED = "is stored with the wrong case or the wrong date"
# Cases, and audiences outside of cases, that are read at once.
AT_ONCE = 500

# Who reads which audience, until when if that has an end.
Reads = tuple[UUID, UUID]
Due = dict[Reads, datetime | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A principal for whom stored readers and policy differ; `case_id` is None outside cases."""

    case_id: UUID | None
    audience_id: UUID
    principal_id: UUID
    why: str


@dataclass(frozen=True, slots=True)
class AuditedPart:
    """Result of one part of the audit; the next part starts after `last`, None if this was the last part."""

    cases: int
    rows: int
    differences: tuple[Difference, ...]
    last: Any = None


def audit_cases(db: GatedSession, after: UUID | None) -> AuditedPart:
    """Audit the cases after this id, and audiences of missing cases, which nobody may read."""
    with as_system(db):
        following = () if after is None else (Case.id > after,)
        cases = db.execute(select(*VIEWED).where(*following).order_by(Case.id).limit(AT_ONCE)).all()
        last = cases[-1].id if len(cases) == AT_ONCE else None
        audiences = db.execute(select(*_AUDIENCE).where(*_between(Audience.case_id, after, last))).all()
        present = db.execute(_rows().where(*_between(Audience.case_id, after, last))).all()
        due = _due(db, cases, audiences, after, last)
    opened_at = {case.audience_id: case.opened_at for case in cases}
    case_of = {audience.id: audience.case_id for audience in audiences}
    return AuditedPart(len(cases), len(present), tuple(_compare(present, due, case_of, opened_at)), last)


def audit_outside_cases(db: GatedSession, after: str | None) -> AuditedPart:
    """Audit the streams of the institution, of accounts and of referrals, after this key."""
    with as_system(db):
        following = () if after is None else (Audience.key > after,)
        own = select(Audience.id, Audience.key, Audience.person_id, Referral.court_id).join(
            Referral, Referral.audience_id == Audience.id, isouter=True
        )
        outside = Audience.case_id.is_(None)
        audiences = db.execute(own.where(outside, *following).order_by(Audience.key).limit(AT_ONCE)).all()
        present = db.execute(_rows().where(outside, Audience.id.in_([audience.id for audience in audiences]))).all()
        admins = frozenset(db.execute(select(User.id).where(User.role == "admin")).scalars())
    due: Due = {
        (audience.id, principal): None
        for audience in audiences
        for principal in _readers_outside_cases(audience, admins)
    }
    last = audiences[-1].key if len(audiences) == AT_ONCE else None
    no_case: dict[UUID, UUID | None] = {audience.id: None for audience in audiences}
    return AuditedPart(0, len(present), tuple(_compare(present, due, no_case, {})), last)


_AUDIENCE = (
    Audience.id,
    Audience.case_id,
    Audience.name,
    Audience.party_ids,
    Audience.person_id,
    Audience.generation,
    Audience.open_to,
    Audience.kept_for,
    Audience.private,
)


def _rows() -> Any:
    # Joined by audience, as the gate finds them, and not by the case that the row names.
    reader = AudienceReader
    columns = (reader.audience_id, reader.principal_id, reader.case_id, reader.opened_at, reader.until)
    return select(*columns).join(Audience, Audience.id == reader.audience_id)


def _between(case_id: Any, after: UUID | None, last: UUID | None) -> Iterator[ColumnElement[bool]]:
    yield case_id.is_not(None)
    if after is not None:
        yield case_id > after
    if last is not None:
        yield case_id <= last


def _due(
    db: GatedSession, cases: Iterable[AnyRow], audiences: Iterable[AnyRow], after: UUID | None, last: UUID | None
) -> Due:
    """Readers that the policy requires for the parties, capacities and audiences of these cases."""
    parties: defaultdict[UUID, list[PartyView]] = defaultdict(list)
    of_cases = select(
        Party.case_id, Party.id, Party.side, Party.generation, Party.reads_until, Party.left_at, Party.earlier
    )
    for party in db.execute(of_cases.where(*_between(Party.case_id, after, last))):
        view = PartyView(
            party.id,
            party.side,
            party.generation,
            reads_until=party.reads_until,
            left_at=party.left_at,
            earlier=tuple((first, last) for first, last in party.earlier),
        )
        parties[party.case_id].append(view)
    capacities: defaultdict[UUID, list[CapacityView]] = defaultdict(list)
    present = (Capacity.ended_at.is_(None), Capacity.pending.is_(False))
    columns = (
        Capacity.case_id,
        Capacity.id,
        Capacity.user_id,
        Capacity.role,
        Capacity.party_id,
        Capacity.generation,
    )
    for held in db.execute(select(*columns).where(*present, *_between(Capacity.case_id, after, last))):
        capacity = CapacityView(held.id, held.user_id, held.role, held.party_id, held.generation)
        capacities[held.case_id].append(capacity)
    views: defaultdict[UUID, list[AudienceView]] = defaultdict(list)
    for row in audiences:
        party_ids = frozenset(UUID(party) for party in row.party_ids)
        kept_for = None if row.kept_for is None else frozenset(UUID(person) for person in row.kept_for)
        audience = AudienceView(
            row.id, row.name, party_ids, row.person_id, row.generation, row.open_to, kept_for, row.private
        )
        views[row.case_id].append(audience)
    due: Due = {}
    for case in cases:
        state = (view_of(case), parties[case.id], capacities[case.id], views[case.id])
        limits = limits_of(*state)
        for audience_id, readers in readers_of(*state).items():
            due |= {(audience_id, person): limits.get((audience_id, person)) for person in readers}
    return due


def _readers_outside_cases(audience: AnyRow, admins: frozenset[UUID]) -> frozenset[UUID]:
    if audience.court_id is not None:
        return frozenset({audience.court_id, STAFF, INTEGRATIONS})
    if audience.person_id is not None:
        return frozenset({audience.person_id})
    return {"public": frozenset({ANYONE}), "registry": admins | {STAFF}}.get(audience.key, frozenset())


def _compare(
    rows: Iterable[AnyRow], due: Due, case_of: dict[UUID, UUID | None], opened_at: dict[UUID, Any]
) -> Iterator[Difference]:
    present: set[Reads] = set()
    for row in rows:
        reads = (row.audience_id, row.principal_id)
        present.add(reads)
        case_id = case_of[row.audience_id]
        if reads not in due:
            yield Difference(case_id, *reads, TOO_MANY)
        elif (row.case_id, row.opened_at, row.until) != (case_id, opened_at.get(row.audience_id), due[reads]):
            yield Difference(case_id, *reads, MISPLACED)
    for audience_id, principal in sorted(due.keys() - present):
        yield Difference(case_of[audience_id], audience_id, principal, TOO_FEW)
