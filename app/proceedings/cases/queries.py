"""Cases as they are read: a single case, or a page of those that the reader may see."""

from collections.abc import Sequence
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
    bindparam,
    exists,
    func,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from app.core.access.actors import Actor
from app.core.access.criteria import left_at
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, UtcDateTime, columns_of_kind
from app.core.errors import NotFound
from app.core.id_lists import among
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.contents import Content, DataKey
from app.core.tables.parties import Party, ThirdState, has_consented
from app.core.tables.people import User
from app.core.values import MOST_SHOWN, unchecked
from app.proceedings.cases.awaited_acts import waiting_with_acts
from app.proceedings.cases.filters import check_filters, conditions_of
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

_ENTRIES = TypeAdapter(list[WaitingOut])
_CASE, _SEAT = unchecked(CaseItem), unchecked(SeatOut)
_PARTY, _THIRD_STATE, _MEDIATOR = unchecked(CasePartyOut), unchecked(CaseThirdStateOut), unchecked(CaseMediatorOut)
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
    select(func.count(Party.id)).where(Party.case_id == Case.id).scalar_subquery().label("party_count"),
    left_at(Case),
)


# Statements are made once: making one costs more than running it. The gate also checks the earlier case, because a
# reader of this case need not know of that one.
_EARLIER = aliased(Case)
_EARLIER_ID = select(_EARLIER.id).where(_EARLIER.id == Case.earlier_case_id).scalar_subquery()
_WHOLE_CASE = (
    select(*_COLUMNS, Case.referral_id, _EARLIER_ID.label("earlier_case_id"), Content.body, DataKey.wrapped)
    .join(Content, Content.id == Case.content_id)
    .join(DataKey, DataKey.case_id == Case.id)
    .where(Case.id == bindparam("case_id"))
)
# The columns of parties, third States and mediators, so that one statement reads them all.
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
    "represented": Boolean(),
    "consented": Boolean(),
    "appointment_id": Uuid(),
    "user_id": Uuid(),
    "admitted_at": UtcDateTime(),
}


def is_represented() -> ColumnElement[bool]:
    """Whether somebody represents the party of a row: a person whose account waits for approval does not yet."""
    acts = (Capacity.role.in_(REPRESENTATIVES), Capacity.ended_at.is_(None), Capacity.pending.is_(False))
    return exists(select(Capacity.id).where(Capacity.case_id == Party.case_id, Capacity.party_id == Party.id, *acts))


def _people_statement() -> Any:
    """Parties, third States and mediators of some cases, in one statement, made once."""
    parties = columns_of_kind(
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
        represented=is_represented(),
    )
    third_states = columns_of_kind(
        "third-state",
        _SHAPE,
        case_id=ThirdState.case_id,
        id=ThirdState.id,
        number=ThirdState.number,
        name=ThirdState.name,
        member_id=ThirdState.member_id,
        consented=has_consented(ThirdState),
    )
    mediators = columns_of_kind(
        "mediator",
        _SHAPE,
        case_id=Capacity.case_id,
        id=Capacity.id,
        name=User.name,
        appointment_id=Capacity.appointment_id,
        user_id=Capacity.user_id,
        admitted_at=Capacity.admitted_at,
    ).join(User, User.id == Capacity.user_id)
    return union_all(
        # A case shows its first parties; the number of a party is its place, beginning with zero.
        parties.where(among(Party.case_id, "ids"), Party.number < MOST_SHOWN),
        third_states.where(among(ThirdState.case_id, "ids")),
        mediators.where(among(Capacity.case_id, "ids"), Capacity.role == "mediator", Capacity.ended_at.is_(None)),
    )


_PEOPLE = _people_statement()
# Led by the reader's own rows, so that a page costs the same for every reader.
_LISTED = (
    select(*_COLUMNS)
    .join(AudienceReader, AudienceReader.audience_id == Case.audience_id)
    .where(AudienceReader.opened_at.is_not(None))
)
# The institution sees almost every case, so its list is led by the columns of cases, whose indexes match the filters.
_LISTED_TO_STAFF = select(*_COLUMNS)


def read_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> CaseOut:
    """One case; NotFound if the actor may not see it."""
    found, people = db.rows_of([(_WHOLE_CASE, {"case_id": case_id}), (_PEOPLE, {"ids": [case_id]})])
    if not found:
        raise NotFound
    (row,) = found
    (item,) = _items([row], people)
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
    check_filters(filters)
    conditions = conditions_of(db, actor, filters)
    if actor.is_staff:
        statement = _LISTED_TO_STAFF.where(*conditions)
        sort = Sort(Case.opened_at, Case.audience_id, datetime, newest_first=True)
    else:
        statement = _LISTED.where(AudienceReader.principal_id == actor.walks_as, *conditions)
        if filters.tells_more_than_the_state:
            statement = statement.where(AudienceReader.until.is_(None))
        sort = Sort(AudienceReader.opened_at, AudienceReader.audience_id, datetime, newest_first=True)
    cases = listed(db, statement, page, sort)
    people = db.rows(_PEOPLE, {"ids": [row.id for row in cases.rows]})
    return CaseList(items=_items(cases.rows, people), next=cases.next, count=cases.count)


def _items(rows: Sequence[AnyRow], everybody: Sequence[AnyRow]) -> list[CaseItem]:
    """The cases with their parties, third States and mediators."""
    people: dict[tuple[UUID, str], list[AnyRow]] = {}
    for person in everybody:
        people.setdefault((person.case_id, person.what), []).append(person)
    return [
        _item(row, *(people.get((row.id, what), ()) for what in ("party", "third-state", "mediator"))) for row in rows
    ]


def _tracks(row: AnyRow) -> list[TrackOut]:
    """The tracks that were opened, in the order of the rule set."""
    if not row.tracks:
        return []
    return [
        TrackOut(name=track.name, title=track.title, state=row.tracks[track.name])
        for track in library()[row.procedure].tracks
        if track.name in row.tracks
    ]


def _item(
    row: AnyRow, parties: Sequence[AnyRow], third_states: Sequence[AnyRow], mediators: Sequence[AnyRow]
) -> CaseItem:
    # A party that has left learns how the case goes, and no longer who comes to mediate, for whom the case waits, until
    # when and since when.
    has_left = row.left_at is not None
    return _CASE(
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
        seat=_SEAT(place=row.seat_place, time_zone=row.seat_time_zone, calendar=row.seat_calendar),
        parties=[_party(party) for party in sorted(parties, key=lambda row: row.number)],
        party_count=row.party_count,
        third_states=[_third_state(state) for state in sorted(third_states, key=lambda row: row.number)],
        mediators=[
            _mediator(mediator)
            for mediator in sorted(mediators, key=lambda row: (row.admitted_at, row.id.bytes))
            if row.left_at is None or mediator.admitted_at <= row.left_at
        ],
        waiting_for=[] if has_left else _ENTRIES.validate_python(waiting_with_acts(row)[:MOST_SHOWN]),
        waiting_count=0 if has_left else len(row.waiting_for),
        next_due_on=None if has_left else row.next_due_on,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        updated_at=None if has_left else row.updated_at,
        seq=None if has_left else row.seq,
    )


def _party(row: AnyRow) -> CasePartyOut:
    return _PARTY(
        id=row.id,
        side=row.side,
        kind=row.kind,
        name=row.name,
        member_id=row.member_id,
        participation=row.participation,
        calendar=row.calendar,
        represented=bool(row.represented),
    )


def _third_state(row: AnyRow) -> CaseThirdStateOut:
    return _THIRD_STATE(id=row.id, name=row.name, member_id=row.member_id, consented=bool(row.consented))


def _mediator(row: AnyRow) -> CaseMediatorOut:
    return _MEDIATOR(appointment_id=row.appointment_id, user_id=row.user_id, name=row.name, since=row.admitted_at)
