"""Cases as they are read: one, or a page of those that the reader may see."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, String, and_, bindparam, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.access.models import AudienceReader, Capacity, User
from app.access.policy import REPRESENTATIVES
from app.access.service import Actor
from app.cases.models import Case
from app.cases.schemas import (
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
from app.contents import service as contents
from app.db import AnyRow, like
from app.errors import NotFound, invalid
from app.mediators.models import Mediator
from app.paging import Page, listed
from app.parties.models import Consent, Party, ThirdState
from app.rules.loader import library
from app.rules.model import CAPACITIES, PHASES

# For whom a case can wait, as rule sets name them; and the word for whoever asks.
AWAITED, ME = tuple(capacity for capacity in CAPACITIES if capacity != "any-party"), "me"
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
_ONE = select(*_COLUMNS, _EARLIER_ID.label("earlier_case_id")).where(Case.id == bindparam("case_id"))
_OF_CASES: Any = bindparam("ids", expanding=True)
_PARTIES = (
    select(
        Party.case_id,
        Party.id,
        Party.side,
        Party.kind,
        Party.name,
        Party.member_id,
        Party.participation,
        Party.calendar,
    )
    .where(Party.case_id.in_(_OF_CASES))
    .order_by(Party.number)
)
_THIRD_STATES = (
    select(
        ThirdState.case_id,
        ThirdState.id,
        ThirdState.name,
        ThirdState.member_id,
        exists(
            select(Consent.id).where(Consent.third_state_id == ThirdState.id, Consent.confirmed_at.is_not(None))
        ).label("consented"),
    )
    .where(ThirdState.case_id.in_(_OF_CASES))
    .order_by(ThirdState.number)
)
_MEDIATORS = (
    select(
        Capacity.case_id,
        Capacity.appointment_id,
        Capacity.user_id,
        User.name,
        Capacity.admitted_at.label("since"),
    )
    .join(User, User.id == Capacity.user_id)
    .where(Capacity.case_id.in_(_OF_CASES), Capacity.role == "mediator", Capacity.ended_at.is_(None))
    .order_by(Capacity.admitted_at, Capacity.id)
)


def read_case(db: Session, actor: Actor, now: datetime, case_id: UUID) -> CaseOut:
    """One case; NotFound if it is not the actor's to see."""
    row = db.execute(_ONE, {"case_id": case_id}).one_or_none()
    if row is None:
        raise NotFound
    item = _items(db, [row])[0]
    body = contents.read_one(db, row.content_id)
    return CaseOut(
        **dict(item),
        summary=body["summary"],
        instruments=body["instruments"],
        earlier_case_id=row.earlier_case_id,
    )


def list_cases(db: Session, actor: Actor, now: datetime, page: Page, filters: CaseFilters) -> CaseList:
    """A page of the cases that the actor may see, the newest first; Invalid for a filter that can match nothing."""
    _check_filters(filters)
    # From the reader's own rows: the cost is the page's, whoever asks.
    reader = AudienceReader
    statement = (
        select(*_COLUMNS)
        .join(reader, reader.audience_id == Case.audience_id)
        .where(reader.principal_id == actor.walks_as, reader.opened_at.is_not(None))
        .where(*_conditions(actor, filters))
    )
    found = listed(db, statement, page, reader.opened_at, reader.audience_id, datetime, newest_first=True)
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


def folded(text: str) -> str:
    """Text as it is searched: compatible forms made one, case folded, format characters gone, dashes alike."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    return " ".join(re.sub(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]", "-", visible).split())


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


def _items(db: Session, rows: Sequence[AnyRow]) -> list[CaseItem]:
    """The cases with their parties, third States and mediators, in three statements however many they are."""
    given = {"ids": [row.id for row in rows]}
    parties, third_states, mediators = (
        _grouped(db.execute(statement, given).mappings()) for statement in (_PARTIES, _THIRD_STATES, _MEDIATORS)
    )
    return [
        _item(row, parties.get(row.id, ()), third_states.get(row.id, ()), mediators.get(row.id, ())) for row in rows
    ]


def _grouped(rows: Iterable[RowMapping]) -> dict[UUID, list[RowMapping]]:
    found: dict[UUID, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(row)
    return found


def _tracks(row: AnyRow) -> list[TrackOut]:
    """The tracks that were opened, in the order of the rule set."""
    known = library()[row.procedure].tracks
    return [
        TrackOut(name=one.name, title=one.title, state=row.tracks[one.name]) for one in known if one.name in row.tracks
    ]


def _item(
    row: AnyRow, parties: Sequence[RowMapping], third_states: Sequence[RowMapping], mediators: Sequence[RowMapping]
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
        # The columns have their types already; judging them again is what would cost most in a list.
        parties=[CasePartyOut.model_construct(**party) for party in parties],
        third_states=[CaseThirdStateOut.model_construct(**state) for state in third_states],
        mediators=[CaseMediatorOut.model_construct(**mediator) for mediator in mediators],
        waiting_for=[WaitingOut.model_validate(entry) for entry in row.waiting_for],
        next_due_on=row.next_due_on,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        updated_at=row.updated_at,
        seq=row.seq,
    )
