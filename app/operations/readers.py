"""Who may read each audience, as the rows say that the gate goes by, held against what the policy says."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.core.access.policy import AudienceView, CapacityView, PartyView, readers_of
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF, Audience, AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.courts import Referral
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.proceedings.cases.locking import VIEWED, view_of

TOO_MANY = "may read it and should not"
TOO_FEW = "should read it and may not"
MISPLACED = "is entered with another case, or another date, than its own"
# The cases, and the audiences outside of cases, that are read at once.
AT_ONCE = 500

Reads = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Difference:
    """A principal of an audience for whom rows and policy differ, and how; outside of cases there is no `case_id`."""

    case_id: UUID | None
    audience_id: UUID
    principal_id: UUID
    why: str


@dataclass(frozen=True, slots=True)
class AuditedPart:
    """What one part of the walk found; the next goes on behind `last`, and there is none where that is None."""

    cases: int
    rows: int
    differences: tuple[Difference, ...]
    last: Any = None


def audit_cases(db: GatedSession, after: UUID | None) -> AuditedPart:
    """The readers of the cases behind that id, and of audiences whose case is not there: nobody is to read those."""
    with as_system(db):
        behind = () if after is None else (Case.id > after,)
        cases = db.execute(select(*VIEWED).where(*behind).order_by(Case.id).limit(AT_ONCE)).all()
        last = cases[-1].id if len(cases) == AT_ONCE else None
        audiences = db.execute(select(*_AUDIENCE).where(*_between(Audience.case_id, after, last))).all()
        present = db.execute(_rows().where(*_between(Audience.case_id, after, last))).all()
        due = _due(db, cases, audiences, after, last)
    opened_at = {case.audience_id: case.opened_at for case in cases}
    case_of = {audience.id: audience.case_id for audience in audiences}
    return AuditedPart(len(cases), len(present), tuple(_compare(present, due, case_of, opened_at)), last)


def audit_outside_cases(db: GatedSession, after: str | None) -> AuditedPart:
    """The readers of the institution's own streams and of referrals, behind that key."""
    with as_system(db):
        behind = () if after is None else (Audience.key > after,)
        own = select(Audience.id, Audience.key, Referral.court_id).join(
            Referral, Referral.audience_id == Audience.id, isouter=True
        )
        outside = Audience.case_id.is_(None)
        audiences = db.execute(own.where(outside, *behind).order_by(Audience.key).limit(AT_ONCE)).all()
        present = db.execute(_rows().where(outside, Audience.id.in_([one.id for one in audiences]))).all()
        admins = frozenset(db.execute(select(User.id).where(User.role == "admin")).scalars())
    due = {(one.id, principal) for one in audiences for principal in _readers_outside_cases(one, admins)}
    last = audiences[-1].key if len(audiences) == AT_ONCE else None
    return AuditedPart(0, len(present), tuple(_compare(present, due, {one.id: None for one in audiences}, {})), last)


_AUDIENCE = (
    Audience.id,
    Audience.case_id,
    Audience.name,
    Audience.party_ids,
    Audience.person_id,
    Audience.generation,
    Audience.open_to,
)


def _rows() -> Any:
    # By their audience, as the gate finds them, and not by the case that they say they belong to.
    reader = AudienceReader
    columns = (reader.audience_id, reader.principal_id, reader.case_id, reader.opened_at)
    return select(*columns).join(Audience, Audience.id == reader.audience_id)


def _between(case_id: Any, after: UUID | None, last: UUID | None) -> Iterator[ColumnElement[bool]]:
    yield case_id.is_not(None)
    if after is not None:
        yield case_id > after
    if last is not None:
        yield case_id <= last


def _due(
    db: GatedSession, cases: Iterable[AnyRow], audiences: Iterable[AnyRow], after: UUID | None, last: UUID | None
) -> set[Reads]:
    """Who is to read what in these cases: the policy's answer to their parties, capacities and audiences."""
    parties: defaultdict[UUID, list[PartyView]] = defaultdict(list)
    there = select(Party.case_id, Party.id, Party.side, Party.generation)
    for row in db.execute(there.where(*_between(Party.case_id, after, last))):
        parties[row.case_id].append(PartyView(row.id, row.side, row.generation))
    capacities: defaultdict[UUID, list[CapacityView]] = defaultdict(list)
    held = Capacity
    living = (held.ended_at.is_(None), held.pending.is_(False))
    holding = select(held.case_id, held.id, held.user_id, held.role, held.party_id, held.generation)
    for one in db.execute(holding.where(*living, *_between(held.case_id, after, last))):
        capacities[one.case_id].append(CapacityView(one.id, one.user_id, one.role, one.party_id, one.generation))
    views: defaultdict[UUID, list[AudienceView]] = defaultdict(list)
    for each in audiences:
        of = frozenset(UUID(party) for party in each.party_ids)
        views[each.case_id].append(AudienceView(each.id, each.name, of, each.person_id, each.generation, each.open_to))
    return {
        (audience_id, principal)
        for case in cases
        for audience_id, readers in readers_of(
            view_of(case), parties[case.id], capacities[case.id], views[case.id]
        ).items()
        for principal in readers
    }


def _readers_outside_cases(audience: AnyRow, admins: frozenset[UUID]) -> frozenset[UUID]:
    if audience.court_id is not None:
        return frozenset({audience.court_id, STAFF, INTEGRATIONS})
    return {"public": frozenset({ANYONE}), "registry": admins | {STAFF}}.get(audience.key, frozenset())


def _compare(
    rows: Iterable[AnyRow], due: set[Reads], case_of: dict[UUID, UUID | None], opened_at: dict[UUID, Any]
) -> Iterator[Difference]:
    present: set[Reads] = set()
    for row in rows:
        one = (row.audience_id, row.principal_id)
        present.add(one)
        case_id = case_of[row.audience_id]
        if one not in due:
            yield Difference(case_id, *one, TOO_MANY)
        elif (row.case_id, row.opened_at) != (case_id, opened_at.get(row.audience_id)):
            yield Difference(case_id, *one, MISPLACED)
    for audience_id, principal in sorted(due - present):
        yield Difference(case_of[audience_id], audience_id, principal, TOO_FEW)
