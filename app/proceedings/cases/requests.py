"""The request for mediation, opened as a case by its filer or by referral."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.gate import insert_rows
from app.core.access.policy import REPRESENTATIVES, CapacityView, CaseView, PartyView
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import new_id, together
from app.core.errors import FieldError, Forbidden, Invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.institution import Institution
from app.core.tables.members import Member
from app.core.tables.parties import Party, ThirdState
from app.proceedings.cases.circle import act_subject
from app.proceedings.cases.lock import keep_locked
from app.proceedings.cases.request_versions import history_subject
from app.proceedings.cases.schemas import CaseIn
from app.proceedings.cases.search import search_text
from app.rules.loader import library, subjects
from app.rules.model import Procedure


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a request comes from: its filer, or the referral of a court."""

    filer_id: UUID | None = None
    referral_id: UUID | None = None
    court_id: UUID | None = None


def open_case(db: GatedSession, actor: Actor, now: datetime, request: CaseIn) -> tuple[UUID]:
    """Open a case as a draft that only the filer's side sees; the filer becomes agent of the party named first.

    Raises Forbidden for the institution's own people, and Invalid for an unknown rule set, category, subject, member
    or earlier case.
    """
    if actor.role != "user":
        raise Forbidden("Only users who do not work for the institution may open a case.")
    procedure = _check_request(db, actor, request)
    case, party_id, written = _write_case(db, now, procedure, request, _Origin(filer_id=actor.id))
    act = Act("open", now, author_of(actor, "requesting-party", party_id), act_subject(db, case))
    ledger.record(db, act, "case-opened", _payload(case), content=written)
    return (case.id,)


def open_referred(
    db: GatedSession, actor: Actor, now: datetime, request: CaseIn, referral_id: UUID, court_id: UUID
) -> Case:
    """Open a case that a court refers: the registry sees it at once, and nobody acts in it for a party yet.

    Raises Invalid for an unknown rule set, category, subject or member.
    """
    procedure = _check_request(db, actor, request)
    origin = _Origin(referral_id=referral_id, court_id=court_id)
    case, _party_id, written = _write_case(db, now, procedure, request, origin)
    act = Act("open", now, author_of(actor, "registry"), history_subject(db, case))
    ledger.record(db, act, "case-opened", _payload(case), content=written)
    return case


def _payload(case: Case) -> dict[str, Any]:
    return {"procedure": case.procedure, "category": case.category, "subjects": case.subjects}


def _write_case(
    db: GatedSession, now: datetime, procedure: Procedure, request: CaseIn, origin: _Origin
) -> tuple[Case, UUID, contents.Written]:
    """Write a case with its parties, as a draft: known to the filer's side, or without a filer to the registry."""
    filer_id, court_id = origin.filer_id, origin.court_id
    case_id, audience_id, capacity_id = new_id(db), new_id(db), new_id(db)
    party_ids = [new_id(db) for _party in request.parties]
    view = CaseView(case_id, audience_id, now, filer_id is None, served=False, generation=0, court_id=court_id)
    parties = [PartyView(id, party.side, 0, party.name) for id, party in zip(party_ids, request.parties, strict=True)]
    agents = [CapacityView(capacity_id, filer_id, "agent", party_ids[0], 0)] if filer_id is not None else []
    access.open_circle(db, view, parties, agents)
    content_id = new_id(db)
    case = Case(
        id=case_id,
        audience_id=audience_id,
        procedure=procedure.id,
        category=request.category,
        title=request.title,
        search=search_text(request.title, [party.name for party in request.parties]),
        phase=procedure.initial.phase,
        stage=procedure.initial.name,
        subjects=request.subjects,
        languages=request.languages,
        seat_place=request.seat.place,
        seat_time_zone=request.seat.time_zone,
        day_time_zone=_zone_of_days(db, procedure),
        seat_calendar=request.seat.calendar,
        content_id=content_id,
        earlier_case_id=request.earlier_case_id,
        referral_id=origin.referral_id,
        court_id=court_id,
        waiting_for=[],
        opened_at=now,
        updated_at=now,
    )
    db.add(case)
    db.flush()
    of_case = {"case_id": case_id, "audience_id": audience_id}
    party = of_case | {"participation": "appearing", "generation": 0}
    states = _numbered(of_case, [new_id(db) for _state in request.third_states], request.third_states)
    agent = {"user_id": filer_id, "role": "agent", "party_id": party_ids[0], "generation": 0, "admitted_at": now}
    with together(db):
        contents.open_case(db, case_id)
        written = write_request(db, case, request.summary, dumped(request.instruments), content_id)
        insert_rows(db, Party, _numbered(party, party_ids, request.parties))
        insert_rows(db, ThirdState, states)
        if filer_id is not None:
            insert_rows(db, Capacity, [{"id": capacity_id, **of_case, **agent}])
    keep_locked(db, case)
    return case, party_ids[0], written


def _check_request(db: GatedSession, actor: Actor, request: CaseIn) -> Procedure:
    faults = []
    procedure = library().get(request.procedure)
    if procedure is None:
        faults.append(FieldError("/procedure", "unknown-procedure", f"Choose one of: {', '.join(library())}."))
    elif request.category not in procedure.categories:
        allowed = ", ".join(procedure.categories)
        faults.append(FieldError("/category", "category", f"Choose a category of these rules of procedure: {allowed}."))
    faults += unknown_subjects(request.subjects)
    faults += _unknown_members(db, request)
    if request.earlier_case_id is not None and not _lodges_again(db, actor, request.earlier_case_id):
        detail = "Name a closed case in which you act for a party, or leave this out."
        faults.append(FieldError("/earlier_case_id", "unknown-case", detail))
    if faults or procedure is None:
        raise Invalid(*faults)
    return procedure


def _unknown_members(db: GatedSession, request: CaseIn) -> list[FieldError]:
    places = [(f"/parties/{number}", party.member_id) for number, party in enumerate(request.parties)]
    places += [(f"/third_states/{number}", state.member_id) for number, state in enumerate(request.third_states)]
    named = [(f"{place}/member_id", member_id) for place, member_id in places if member_id is not None]
    if not named:
        return []
    statement = select(Member.id).where(Member.id.in_({member_id for _pointer, member_id in named}))
    members = set(db.execute(statement).scalars())
    return [
        FieldError(pointer, "unknown-member", "Name a member of the institution by its id.")
        for pointer, member_id in named
        if member_id not in members
    ]


def _lodges_again(db: GatedSession, actor: Actor, earlier_case_id: UUID) -> bool:
    """Whether the actor acts for a party in that case, and it is closed."""
    represents = (Capacity.user_id == actor.id, Capacity.role.in_(REPRESENTATIVES), Capacity.ended_at.is_(None))
    statement = select(Case.id).join(Capacity, Capacity.case_id == Case.id)
    closed = (Case.id == earlier_case_id, Case.closed_at.is_not(None), Capacity.pending.is_(False))
    return db.execute(statement.where(*closed, *represents).limit(1)).first() is not None


def unknown_subjects(named: Iterable[str]) -> list[FieldError]:
    """A field error for each subject code that the institution does not use."""
    return [
        FieldError(f"/subjects/{number}", "unknown-subject", "Use a subject code that GET /v1/subjects lists.")
        for number, subject in enumerate(named)
        if subject not in subjects()
    ]


def _zone_of_days(db: GatedSession, procedure: Procedure) -> str | None:
    """The institution's zone, where the rule set counts days there and not at the seat."""
    return db.execute(select(Institution.time_zone)).scalar_one() if procedure.zone == "institution" else None


def _numbered(shared: dict[str, Any], ids: list[UUID], items: Sequence[BaseModel]) -> list[dict[str, Any]]:
    """Rows of the parties or States that a request names, in its order."""
    numbered = enumerate(zip(ids, items, strict=True))
    return [{"id": id, "number": number, **shared, **item.model_dump()} for number, (id, item) in numbered]


def dumped(items: Iterable[BaseModel]) -> list[dict[str, Any]]:
    """Items of a request as they are sealed."""
    return [item.model_dump() for item in items]


def write_request(
    db: GatedSession, case: Case, summary: str, instruments: list[dict[str, Any]], content_id: UUID | None = None
) -> contents.Written:
    """Seal the text of a request for everybody who may see that its case exists."""
    body = {"summary": summary, "instruments": instruments}
    return contents.write(db, case.id, case.audience_id, body, content_id)
