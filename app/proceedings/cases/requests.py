"""The request that makes a case: opened by its filer, and amended while the rules let it be."""

from collections.abc import Iterable, Sequence
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
from app.core.errors import Conflict, FieldError, Forbidden, Invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.institution import Institution
from app.core.tables.members import Member
from app.core.tables.parties import Party, ThirdState
from app.proceedings.cases.locking import act_subject, circle_of, keep_locked, lock_case, view_of
from app.proceedings.cases.reading import search_text
from app.proceedings.cases.schemas import CaseAmendment, CaseIn
from app.rules.loader import library, subjects
from app.rules.model import Procedure

REGISTRY_AMENDS = frozenset({"title", "summary", "languages", "seat"})
STRUCK_OUT = frozenset({"subjects", "instruments"})


def open_case(db: GatedSession, actor: Actor, now: datetime, given: CaseIn) -> tuple[UUID]:
    """Open a case as a draft that only the filer's side sees; the filer becomes agent of the party named first.

    Raises Forbidden for the institution's own people, and Invalid for what no rule set, subject or member answers to.
    """
    if actor.role != "user":
        raise Forbidden("The institution's own people open no cases; a party does.")
    case, party_id, written = _write_case(db, now, _check_request(db, actor, given), given, filer_id=actor.id)
    by = author_of(actor, "requesting-party", party_id)
    ledger.record(db, Act("open", now, by, act_subject(db, case)), "case-opened", _payload(case), content=written)
    return (case.id,)


def open_referred(
    db: GatedSession, actor: Actor, now: datetime, given: CaseIn, referral_id: UUID, court_id: UUID
) -> Case:
    """Open a case that a court refers: the registry knows of it at once, and nobody acts in it for a party yet.

    Raises Invalid for what no rule set, subject or member answers to.
    """
    procedure = _check_request(db, actor, given)
    case, _party_id, written = _write_case(db, now, procedure, given, referral_id=referral_id, court_id=court_id)
    subject, by = Subject(case.id, case.audience_id, "case"), author_of(actor, "registry")
    ledger.record(db, Act("open", now, by, subject), "case-opened", _payload(case), content=written)
    return case


def _payload(case: Case) -> dict[str, Any]:
    return {"procedure": case.procedure, "category": case.category, "subjects": case.subjects}


def _write_case(
    db: GatedSession,
    now: datetime,
    procedure: Procedure,
    given: CaseIn,
    filer_id: UUID | None = None,
    referral_id: UUID | None = None,
    court_id: UUID | None = None,
) -> tuple[Case, UUID, contents.Written]:
    """Write a case with its parties, as a draft: known to the filer's side, or without a filer to the registry."""
    case_id, audience_id, capacity_id = new_id(db), new_id(db), new_id(db)
    party_ids = [new_id(db) for _party in given.parties]
    view = CaseView(case_id, audience_id, now, filer_id is None, served=False, generation=0, court_id=court_id)
    parties = [PartyView(id, party.side, 0) for id, party in zip(party_ids, given.parties, strict=True)]
    agents = [CapacityView(capacity_id, filer_id, "agent", party_ids[0], 0)] if filer_id is not None else []
    access.open_circle(db, view, parties, agents)
    content_id = new_id(db)
    case = Case(
        id=case_id,
        audience_id=audience_id,
        procedure=procedure.id,
        category=given.category,
        title=given.title,
        search=search_text(given.title, [party.name for party in given.parties]),
        phase=procedure.initial.phase,
        stage=procedure.initial.name,
        subjects=given.subjects,
        languages=given.languages,
        seat_place=given.seat.place,
        seat_time_zone=given.seat.time_zone,
        day_time_zone=_zone_of_days(db, procedure),
        seat_calendar=given.seat.calendar,
        content_id=content_id,
        earlier_case_id=given.earlier_case_id,
        referral_id=referral_id,
        court_id=court_id,
        waiting_for=[],
        opened_at=now,
        updated_at=now,
    )
    db.add(case)
    db.flush()
    of_case = {"case_id": case_id, "audience_id": audience_id}
    party = of_case | {"participation": "appearing", "generation": 0}
    states = _numbered(of_case, [new_id(db) for _state in given.third_states], given.third_states)
    agent = {"user_id": filer_id, "role": "agent", "party_id": party_ids[0], "generation": 0, "admitted_at": now}
    with together(db):
        contents.open_case(db, case_id)
        written = _write_request(db, case, given.summary, [one.model_dump() for one in given.instruments], content_id)
        insert_rows(db, Party, _numbered(party, party_ids, given.parties))
        insert_rows(db, ThirdState, states)
        if filer_id is not None:
            insert_rows(db, Capacity, [{"id": capacity_id, **of_case, **agent}])
    keep_locked(db, case)
    return case, party_ids[0], written


def _check_request(db: GatedSession, actor: Actor, given: CaseIn) -> Procedure:
    faults = []
    procedure = library().get(given.procedure)
    if procedure is None:
        faults.append(FieldError("/procedure", "unknown-procedure", f"Choose one of: {', '.join(library())}."))
    elif given.category not in procedure.categories:
        allowed = ", ".join(procedure.categories)
        faults.append(FieldError("/category", "category", f"These rules of procedure are for: {allowed}."))
    faults += _unknown_subjects(given.subjects)
    named = {party.member_id for party in given.parties} | {state.member_id for state in given.third_states}
    known = _known_members(db, named - {None})
    places = [(f"/parties/{number}", party.member_id) for number, party in enumerate(given.parties)]
    places += [(f"/third_states/{number}", state.member_id) for number, state in enumerate(given.third_states)]
    faults += [
        FieldError(f"{place}/member_id", "unknown-member", "Name a member of the institution by its id.")
        for place, member_id in places
        if member_id is not None and member_id not in known
    ]
    if given.earlier_case_id is not None and not _lodges_again(db, actor, given.earlier_case_id):
        detail = "Name a closed case in which you act for a party, or leave this out."
        faults.append(FieldError("/earlier_case_id", "unknown-case", detail))
    if faults or procedure is None:
        raise Invalid(*faults)
    return procedure


def _known_members(db: GatedSession, named: set[UUID | None]) -> set[UUID]:
    return set(db.execute(select(Member.id).where(Member.id.in_(named))).scalars()) if named else set()


def _lodges_again(db: GatedSession, actor: Actor, earlier_case_id: UUID) -> bool:
    """Whether the actor acts for a party in that case, and it is closed."""
    mine = (Capacity.user_id == actor.id, Capacity.role.in_(REPRESENTATIVES), Capacity.ended_at.is_(None))
    statement = select(Case.id).join(Capacity, Capacity.case_id == Case.id)
    closed = (Case.id == earlier_case_id, Case.closed_at.is_not(None), Capacity.pending.is_(False))
    return db.execute(statement.where(*closed, *mine).limit(1)).first() is not None


def _unknown_subjects(named: Iterable[str]) -> list[FieldError]:
    return [
        FieldError(f"/subjects/{number}", "unknown-subject", "Name subjects by the codes of this institution.")
        for number, subject in enumerate(named)
        if subject not in subjects()
    ]


def _zone_of_days(db: GatedSession, procedure: Procedure) -> str | None:
    """The institution's zone, where the rule set counts days there and not at the seat."""
    return db.execute(select(Institution.time_zone)).scalar_one() if procedure.zone == "institution" else None


def _numbered(shared: dict[str, Any], ids: list[UUID], given: Sequence[BaseModel]) -> list[dict[str, Any]]:
    """Rows of what a request names, in its order."""
    named = enumerate(zip(ids, given, strict=True))
    return [{"id": id, "number": number, **shared, **one.model_dump()} for number, (id, one) in named]


def _write_request(
    db: GatedSession, case: Case, summary: str, instruments: list[dict[str, Any]], content_id: UUID | None = None
) -> contents.Written:
    body = {"summary": summary, "instruments": instruments}
    return contents.write(db, case.id, case.audience_id, body, content_id)


def amend_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: CaseAmendment) -> tuple[UUID]:
    """Amend a request as far as the stage still lets its side, or the registry, do so.

    Raises Forbidden for others, Conflict where the stage does not allow it, and Invalid for unknown subjects.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    requesting = {party.id for party in known.parties if party.side == "requesting"} & known.parties_of(actor)
    if not requesting and not actor.is_staff:
        raise Forbidden("The requesting side amends its request, and the registry its form; nobody else does.")
    changed = given.model_fields_set
    before = contents.read_one(db, case.content_id)
    if actor.is_staff:
        _check_registry(case, changed)
    else:
        _check_requesting(case, given, before)
    if faults := _unknown_subjects(given.subjects or ()):
        raise Invalid(*faults)
    _amend(db, case, given)
    written = None
    if changed & {"summary", "instruments"}:
        instruments = before["instruments"]
        if given.instruments is not None:
            instruments = [one.model_dump() for one in given.instruments]
        written = _write_request(db, case, given.summary or before["summary"], instruments)
        case.content_id = written.id
    capacity = "registry" if actor.is_staff else "requesting-party"
    by = author_of(actor, capacity, next(iter(requesting), None))
    subject = Subject(case.id, case.audience_id, "case") if case.lodged_at else act_subject(db, case)
    payload = {"changed": sorted(changed), "subjects": case.subjects}
    ledger.record(db, Act("amend", now, by, subject), "case-amended", payload, content=written)
    return (case.id,)


def _check_registry(case: Case, changed: set[str]) -> None:
    stage = library()[case.procedure].stage(case.stage)
    if changed - REGISTRY_AMENDS:
        raise Forbidden("The registry amends title, summary, languages and seat; the rest is the requesting side's.")
    if stage.final:
        raise _not_amendable(case, "The case is closed.", None)
    if "seat" in changed and stage.amendable != "all":
        raise _not_amendable(case, "The seat is fixed once the invitation is out: days are counted there.", None)


def _check_requesting(case: Case, given: CaseAmendment, before: dict[str, Any]) -> None:
    amendable = library()[case.procedure].stage(case.stage).amendable
    if amendable == "none":
        raise _not_amendable(case, "The request can no longer be amended.", None)
    if amendable == "all":
        return
    only = "Strike out subjects or instruments; nothing else of the request changes after the invitation."
    if given.model_fields_set - STRUCK_OUT:
        raise _not_amendable(case, "The request has gone out to the other side.", only)
    kept = [one.model_dump() for one in given.instruments or ()]
    if not set(given.subjects or ()) <= set(case.subjects) or any(one not in before["instruments"] for one in kept):
        raise _not_amendable(case, "The request has gone out to the other side.", only)


def _not_amendable(case: Case, detail: str, cure: str | None) -> Conflict:
    reason = {
        "code": "not-amendable",
        "detail": detail,
        "article": None,
        "source": None,
        "standing": "institution",
        "cure": cure,
    }
    return Conflict(detail, "not-amendable", stage=case.stage, rule_set=case.procedure, article=None, reasons=[reason])


def _amend(db: GatedSession, case: Case, given: CaseAmendment) -> None:
    for name in ("title", "subjects", "languages"):
        if (value := getattr(given, name)) is not None:
            setattr(case, name, value)
    if given.seat is not None:
        case.seat_place, case.seat_time_zone = given.seat.place, given.seat.time_zone
        case.seat_calendar = given.seat.calendar
    if given.title is not None:
        names = db.execute(select(Party.name).where(Party.case_id == case.id).order_by(Party.number)).scalars()
        case.search = search_text(case.title, names)
