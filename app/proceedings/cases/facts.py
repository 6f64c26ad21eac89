"""What the rules may know of a case: read in one statement, and only from what every participant may know."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date, Integer, String, Uuid, bindparam, union_all

from app.core.access.session import GatedSession
from app.core.db import AnyRow, Json, one_shape
from app.core.tables.cases import Case, StepTaken
from app.core.tables.deadlines import Deadline
from app.core.tables.mediators import Appointment
from app.core.tables.members import Member
from app.core.tables.parties import Party, ThirdState, has_consented
from app.core.tables.service_of_process import Service
from app.core.tables.settlements import Draft
from app.rules.model import (
    ActFact,
    AppointmentFact,
    Declaration,
    Facts,
    PartyFact,
    TermFact,
    ThirdStateFact,
    TrackFact,
)
from app.rules.terms import day_at

# One shape for all kinds of rows, so that one statement brings them all.
_SHAPE: dict[str, Any] = {
    "number": Integer(),
    "id": Uuid(),
    "name": String(),
    "side": String(),
    "kind": String(),
    "on": Date(),
    "flag": Boolean(),
    "data": Json,
    "told": String(),
}


def read_facts(db: GatedSession, case: Case | AnyRow, subject: UUID | None = None) -> Facts:
    """The facts of a case; `subject` is the item that is acted on."""
    rows = db.execute(_FACTS, {"case_id": case.id}, execution_options={"known_to_participants": True}).all()
    kinds = ("party", "third-state", "appointment", "act", "term", "text", "served")
    found: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for row in rows:
        found[row.what].append(row)
    served = {row.id: row.on for row in found["served"]}
    return Facts(
        stage=case.stage,
        subjects=frozenset(case.subjects),
        lodged_on=_day(case.lodged_at, case.day_time_zone or case.seat_time_zone),
        parties=tuple(_party(row, served.get(row.id)) for row in sorted(found["party"], key=lambda row: row.number)),
        third_states=tuple(
            ThirdStateFact(row.id, row.name, row.flag)
            for row in sorted(found["third-state"], key=lambda row: row.number)
        ),
        appointments=tuple(_appointment(row) for row in sorted(found["appointment"], key=lambda row: str(row.id))),
        acts=tuple(ActFact(row.name, row.id) for row in found["act"]),
        terms=tuple(TermFact(row.name, row.on, row.kind == "ended", bool(row.flag), row.id) for row in found["term"]),
        settles=next((row.kind for row in found["text"]), "whole"),
        subject=subject,
        tracks=tuple(TrackFact(name, state) for name, state in sorted(case.tracks.items())),
    )


def about(facts: Facts, subject: UUID | None) -> Facts:
    """The same facts, asked about one item."""
    return replace(facts, subject=subject)


def _day(instant: datetime | None, zone: str) -> date | None:
    return None if instant is None else day_at(instant, ZoneInfo(zone))


def _statement() -> Any:
    """Everything that the rules may know of a case, made once."""
    case_id: Any = bindparam("case_id")
    parties = one_shape(
        "party",
        _SHAPE,
        number=Party.number,
        id=Party.id,
        name=Party.name,
        side=Party.side,
        kind=Party.kind,
        on=Member.in_force_on,
        flag=has_consented(Party),
        data=Member.declarations,
        told=Party.participation,
    ).outerjoin(Member, Member.id == Party.member_id)
    third_states = one_shape(
        "third-state",
        _SHAPE,
        number=ThirdState.number,
        id=ThirdState.id,
        name=ThirdState.name,
        flag=has_consented(ThirdState),
    )
    appointments = one_shape(
        "appointment",
        _SHAPE,
        id=Appointment.id,
        kind=Appointment.state,
        flag=Appointment.independent,
        data=Appointment.accepted_by,
    )
    acts = one_shape("act", _SHAPE, id=StepTaken.party_id, name=StepTaken.step)
    terms = one_shape(
        "term",
        _SHAPE,
        id=Deadline.party_id,
        name=Deadline.term,
        kind=Deadline.state,
        on=Deadline.due_on,
        flag=Deadline.suspended_on.is_not(None),
    )
    served = one_shape("served", _SHAPE, id=Service.party_id, on=Service.served_on)
    texts = one_shape("text", _SHAPE, kind=Draft.settles)
    return union_all(
        parties.where(Party.case_id == case_id),
        third_states.where(ThirdState.case_id == case_id),
        appointments.where(Appointment.case_id == case_id, Appointment.ended_at.is_(None)),
        acts.where(StepTaken.case_id == case_id, StepTaken.voided_at.is_(None)),
        terms.where(Deadline.case_id == case_id),
        texts.where(Draft.case_id == case_id, Draft.state == "frozen"),
        served.where(Service.case_id == case_id, Service.served_on.is_not(None)),
    )


_FACTS = _statement()


def _party(row: AnyRow, served_on: date | None) -> PartyFact:
    return PartyFact(
        id=row.id,
        side=row.side,
        kind=row.kind,
        name=row.name,
        consented=bool(row.flag),
        in_force_on=row.on,
        declarations=tuple(_declarations(row.data or ())),
        participation=row.told,
        served_on=served_on,
    )


def _declarations(kept: Iterable[dict[str, Any]]) -> Iterable[Declaration]:
    for one in kept:
        yield Declaration(frozenset(one["subjects"]), _parsed(one["from_on"]), _parsed(one["until_on"]))


def _parsed(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None


def _appointment(row: AnyRow) -> AppointmentFact:
    return AppointmentFact(row.id, row.kind, row.flag, frozenset(UUID(party) for party in row.data))
