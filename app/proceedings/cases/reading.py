"""Cases as they are read: one, or a page of those that the reader may see."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    String,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from app.core.access.actors import Actor
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, AnySelect, UtcDateTime, like, one_shape
from app.core.errors import NotFound, invalid
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.contents import Content, DataKey
from app.core.tables.mediators import Mediator
from app.core.tables.parties import Party, ThirdState, has_consented
from app.core.tables.people import User
from app.core.values import folded
from app.proceedings.cases.schemas import (
    CaseFilters,
    CaseItem,
    CaseList,
    CaseMediatorOut,
    CaseOut,
    CasePartyOut,
    CaseThirdStateOut,
    SeatOut,
    TrackOut,
    WaitingOut,
)
from app.rules.loader import library
from app.rules.model import CAPACITIES, PHASES

# For whom a case can wait, as rule sets name them; and the word for whoever asks.
AWAITED, ME = tuple(capacity for capacity in CAPACITIES if capacity != "any-party"), "me"
_ENTRIES = TypeAdapter(list[WaitingOut])
_COLUMNS = (
    Case.id,
    Case.audience_id,
    Case.reference,
    Case.title,
    Case.category,
    Case.procedure,
    Case.phase,
    Case.stage,
    Case.outcome,
    Case.ground,
    Case.tracks,
    Case.subjects,
    Case.languages,
    Case.seat_place,
    Case.seat_time_zone,
    Case.seat_calendar,
    Case.waiting_for,
    Case.next_due_on,
    Case.opened_at,
    Case.closed_at,
    Case.updated_at,
    Case.seq,
    Case.content_id,
)


# Statements are made once: making one costs more than running it. A reader of a case need not know of the one before
# it, so the gate is asked about that one too.
_EARLIER = aliased(Case)
_EARLIER_ID = select(_EARLIER.id).where(_EARLIER.id == Case.earlier_case_id).scalar_subquery()
_ONE = (
    select(*_COLUMNS, Case.referral_id, _EARLIER_ID.label("earlier_case_id"), Content.body, DataKey.wrapped)
    .join(Content, Content.id == Case.content_id)
    .join(DataKey, DataKey.case_id == Case.id)
    .where(Case.id == bindparam("case_id"))
)
_OF_CASES: Any = bindparam("ids", expanding=True)
# One shape for everybody who takes part, so that one statement brings them all.
_SHAPE: dict[str, Any] = {
    "case_id": Uuid(),
    "id": Uuid(),
    "number": Integer(),
    "name": String(),
    "side": String(),
    "kind": String(),
    "member_id": Uuid(),
    "participation": String(),
    "calendar": String(),
    "consented": Boolean(),
    "appointment_id": Uuid(),
    "user_id": Uuid(),
    "since": UtcDateTime(),
}


def _people_statement() -> Any:
    """Parties, third States and mediators of some cases, in one statement, made once."""
    parties = one_shape(
        "party",
        _SHAPE,
        case_id=Party.case_id,
        id=Party.id,
        number=Party.number,
        name=Party.name,
        side=Party.side,
        kind=Party.kind,
        member_id=Party.member_id,
        participation=Party.participation,
        calendar=Party.calendar,
    )
    third_states = one_shape(
        "third-state",
        _SHAPE,
        case_id=ThirdState.case_id,
        id=ThirdState.id,
        number=ThirdState.number,
        name=ThirdState.name,
        member_id=ThirdState.member_id,
        consented=has_consented(ThirdState),
    )
    mediators = one_shape(
        "mediator",
        _SHAPE,
        case_id=Capacity.case_id,
        id=Capacity.id,
        name=User.name,
        appointment_id=Capacity.appointment_id,
        user_id=Capacity.user_id,
        since=Capacity.admitted_at,
    ).join(User, User.id == Capacity.user_id)
    return union_all(
        parties.where(Party.case_id.in_(_OF_CASES)),
        third_states.where(ThirdState.case_id.in_(_OF_CASES)),
        mediators.where(Capacity.case_id.in_(_OF_CASES), Capacity.role == "mediator", Capacity.ended_at.is_(None)),
    )


_PEOPLE = _people_statement()
# From the reader's own rows: the cost is the page's, whoever asks.
_LISTED = (
    select(*_COLUMNS)
    .join(AudienceReader, AudienceReader.audience_id == Case.audience_id)
    .where(AudienceReader.opened_at.is_not(None))
)


def of_own_cases(statement: AnySelect, actor: Actor) -> AnySelect:
    """A statement that joins cases, led by the reader's own where most are somebody else's."""
    if actor.is_the_institutions:
        return statement
    reader = AudienceReader
    mine = select(reader.audience_id).where(reader.principal_id.in_(actor.principals), reader.opened_at.is_not(None))
    return statement.where(Case.audience_id.in_(mine))


def read_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> CaseOut:
    """One case; NotFound if it is not the actor's to see."""
    row = db.execute(_ONE, {"case_id": case_id}).one_or_none()
    if row is None:
        raise NotFound
    item = _items(db, [row])[0]
    body = contents.unseal(db, row.wrapped, row.content_id, row.body).body
    return CaseOut(
        **dict(item),
        summary=body["summary"],
        instruments=body["instruments"],
        earlier_case_id=row.earlier_case_id,
        referral_id=row.referral_id,
    )


def list_cases(db: GatedSession, actor: Actor, now: datetime, page: Page, filters: CaseFilters) -> CaseList:
    """A page of the cases that the actor may see, the newest first; Invalid for a filter that can match nothing."""
    _check_filters(filters)
    reader = AudienceReader
    statement = _LISTED.where(reader.principal_id == actor.walks_as, *_conditions(actor, filters))
    found = listed(db, statement, page, Sort(reader.opened_at, reader.audience_id, datetime, newest_first=True))
    return CaseList(items=_items(db, found.rows), next=found.next, count=found.count)


def _check_filters(filters: CaseFilters) -> None:
    rule_sets = library().values()
    choices: dict[str, Iterable[str]] = {
        "phase": PHASES,
        "procedure": library(),
        "stage": {stage.name for rules in rule_sets for stage in rules.stages},
        "category": {category for rules in rule_sets for category in rules.categories},
        "waiting_for": (*AWAITED, ME),
    }
    for name, known in choices.items():
        if getattr(filters, name) not in (None, *known):
            choose = f"Choose one of: {', '.join(sorted(known))}."
            raise invalid(f"query/{name}", f"unknown-{name.replace('_', '-')}", choose)


def _conditions(actor: Actor, filters: CaseFilters) -> Iterable[ColumnElement[bool]]:
    for name in ("phase", "stage", "procedure", "category"):
        if (value := getattr(filters, name)) is not None:
            yield getattr(Case, name) == value
    if filters.party is not None:
        either = or_(Party.id == filters.party, Party.member_id == filters.party)
        yield exists(select(Party.id).where(Party.case_id == Case.id, either))
    if filters.mediator is not None:
        yield _mediated_by(filters.mediator)
    if filters.waiting_for is not None:
        yield awaiting_me(actor) if filters.waiting_for == ME else _awaiting(filters.waiting_for)
    if filters.due_before is not None:
        yield Case.next_due_on < filters.due_before
    if filters.updated_since is not None:
        yield Case.updated_at >= filters.updated_since
    if filters.q is not None:
        yield _matching(filters.q)


def _mediated_by(mediator: UUID) -> ColumnElement[bool]:
    """Whether somebody, named by their account or their entry on the roster, mediates in the case."""
    user = or_(
        Capacity.user_id == mediator,
        Capacity.user_id.in_(select(Mediator.user_id).where(Mediator.id == mediator)),
    )
    office = (Capacity.case_id == Case.id, Capacity.role == "mediator", Capacity.ended_at.is_(None))
    return exists(select(Capacity.id).where(*office, user))


def _awaiting(capacity: str) -> ColumnElement[bool]:
    return Case.awaits.like(f"% {capacity} %")


def awaiting_me(actor: Actor) -> ColumnElement[bool]:
    """Whether the case waits for a party that the actor represents, for its mediator, or for the staff."""
    if actor.is_staff:
        return or_(_awaiting("registry"), _awaiting("appointing-authority"))
    # PostgreSQL writes an id with hyphens where SQLite has none; the words of `awaits` have none.
    party = func.replace(cast(Capacity.party_id, String), "-", "")
    mine = (Capacity.case_id == Case.id, Capacity.user_id == actor.id, Capacity.ended_at.is_(None))
    as_party = and_(Capacity.role.in_(REPRESENTATIVES), Case.awaits.like(literal("% ").concat(party).concat(" %")))
    as_mediator = and_(Capacity.role == "mediator", _awaiting("mediator"))
    return exists(select(Capacity.id).where(*mine, Capacity.pending.is_(False), or_(as_party, as_mediator)))


def search_text(title: str, names: Iterable[str]) -> str:
    """What a search for a case looks into: its title, and its parties by name."""
    return folded("\n".join([title, *names]))


def references_in(text: str) -> list[str]:
    """The case references that a text may mean: leading zeros, prefixes and suffixes do not hide one."""
    found = re.findall(r"(?<!\d)(\d{4})\s*[-/]\s*0*(\d{1,9})(?!\d)", folded(text))
    return [f"{year}-{int(number):04d}" for year, number in found]


def _matching(q: str) -> ColumnElement[bool]:
    wanted = Case.search.like(like(folded(q)), escape="\\")
    references = references_in(q)
    return or_(wanted, Case.reference.in_(references)) if references else wanted


def _items(db: GatedSession, rows: Sequence[AnyRow]) -> list[CaseItem]:
    """The cases with their parties, third States and mediators, in one statement however many they are."""
    found: dict[tuple[UUID, str], list[AnyRow]] = {}
    for person in db.execute(_PEOPLE, {"ids": [row.id for row in rows]}):
        found.setdefault((person.case_id, person.what), []).append(person)
    return [
        _item(row, *(found.get((row.id, what), ()) for what in ("party", "third-state", "mediator"))) for row in rows
    ]


def _tracks(row: AnyRow) -> list[TrackOut]:
    """The tracks that were opened, in the order of the rule set."""
    if not row.tracks:
        return []
    known = library()[row.procedure].tracks
    return [
        TrackOut(name=one.name, title=one.title, state=row.tracks[one.name]) for one in known if one.name in row.tracks
    ]


def _item(
    row: AnyRow, parties: Sequence[AnyRow], third_states: Sequence[AnyRow], mediators: Sequence[AnyRow]
) -> CaseItem:
    return CaseItem(
        id=row.id,
        reference=row.reference,
        title=row.title,
        category=row.category,
        procedure=row.procedure,
        phase=row.phase,
        stage=row.stage,
        outcome=row.outcome,
        ground=row.ground,
        tracks=_tracks(row),
        subjects=row.subjects,
        languages=row.languages,
        seat=SeatOut(place=row.seat_place, time_zone=row.seat_time_zone, calendar=row.seat_calendar),
        parties=[_party(party) for party in sorted(parties, key=lambda one: one.number)],
        third_states=[_third_state(state) for state in sorted(third_states, key=lambda one: one.number)],
        mediators=[_mediator(one) for one in sorted(mediators, key=lambda one: (one.since, one.id.bytes))],
        waiting_for=_ENTRIES.validate_python(row.waiting_for),
        next_due_on=row.next_due_on,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        updated_at=row.updated_at,
        seq=row.seq,
    )


# The columns have their types already; judging them again is what would cost most in a list.


def _party(row: AnyRow) -> CasePartyOut:
    return CasePartyOut.model_construct(
        id=row.id,
        side=row.side,
        kind=row.kind,
        name=row.name,
        member_id=row.member_id,
        participation=row.participation,
        calendar=row.calendar,
    )


def _third_state(row: AnyRow) -> CaseThirdStateOut:
    return CaseThirdStateOut.model_construct(
        id=row.id, name=row.name, member_id=row.member_id, consented=bool(row.consented)
    )


def _mediator(row: AnyRow) -> CaseMediatorOut:
    return CaseMediatorOut.model_construct(
        appointment_id=row.appointment_id, user_id=row.user_id, name=row.name, since=row.since
    )
