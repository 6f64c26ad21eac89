"""The facts of a case on which the rules decide: read in one statement, and only from what all participants know."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date, Integer, String, Uuid, bindparam, union_all

from app.core.access.session import GatedSession
from app.core.db import AnyRow, Json, columns_of_kind
from app.core.tables.cases import Case, StepTaken
from app.core.tables.deadlines import Deadline
from app.core.tables.mediators import Appointment
from app.core.tables.members import Member
from app.core.tables.parties import Party, ThirdState, has_consented
from app.core.tables.service_of_process import Service
from app.core.tables.settlements import Draft
from app.institution.members.periods import memberships_of
from app.rules.days import day_at
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

# The columns of all kinds of facts, so that one statement reads them all.
_SHAPE: dict[str, Any] = {
    "id": Uuid(),
    "party_id": Uuid(),
    "number": Integer(),
    "name": String(),
    "side": String(),
    "kind": String(),
    "participation": String(),
    "consented": Boolean(),
    "in_force_on": Date(),
    "ceases_on": Date(),
    "earlier_periods": Json,
    "declarations": Json,
    "state": String(),
    "independent": Boolean(),
    "accepted_by": Json,
    "step": String(),
    "term": String(),
    "due_on": Date(),
    "suspended": Boolean(),
    "settles": String(),
    "served_on": Date(),
}


def read_facts(db: GatedSession, case: Case | AnyRow, subject: UUID | None = None) -> Facts:
    """The facts of a case; `subject` is the item that the act is about."""
    kinds = ("party", "third-state", "appointment", "act", "term", "text", "service")
    rows: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for row in db.execute(_FACTS, {"case_id": case.id}, execution_options={"known_to_participants": True}).all():
        rows[row.what].append(row)
    served_on = {row.party_id: row.served_on for row in rows["service"]}
    return Facts(
        stage=case.stage,
        subjects=frozenset(case.subjects),
        lodged_on=_day(case.lodged_at, case.day_time_zone or case.seat_time_zone),
        parties=tuple(_party(row, served_on.get(row.id)) for row in sorted(rows["party"], key=lambda row: row.number)),
        third_states=tuple(
            ThirdStateFact(row.id, row.name, row.consented)
            for row in sorted(rows["third-state"], key=lambda row: row.number)
        ),
        appointments=tuple(_appointment(row) for row in sorted(rows["appointment"], key=lambda row: str(row.id))),
        acts=tuple(ActFact(row.step, row.party_id) for row in rows["act"]),
        terms=tuple(
            TermFact(row.term, row.due_on, row.state == "ended", bool(row.suspended), row.party_id)
            for row in rows["term"]
        ),
        settles=next((row.settles for row in rows["text"]), "whole"),
        subject=subject,
        tracks=tuple(TrackFact(name, state) for name, state in sorted(case.tracks.items())),
    )


def _day(instant: datetime | None, zone: str) -> date | None:
    return None if instant is None else day_at(instant, ZoneInfo(zone))


def _facts_statement() -> Any:
    """All the facts of a case in one statement, made once."""
    case_id: Any = bindparam("case_id")
    parties = columns_of_kind(
        "party",
        _SHAPE,
        id=Party.id,
        number=Party.number,
        name=Party.name,
        side=Party.side,
        kind=Party.kind,
        participation=Party.participation,
        consented=has_consented(Party),
        in_force_on=Member.in_force_on,
        ceases_on=Member.ceases_on,
        earlier_periods=Member.earlier_periods,
        declarations=Member.declarations,
    ).outerjoin(Member, Member.id == Party.member_id)
    third_states = columns_of_kind(
        "third-state",
        _SHAPE,
        id=ThirdState.id,
        number=ThirdState.number,
        name=ThirdState.name,
        consented=has_consented(ThirdState),
    )
    appointments = columns_of_kind(
        "appointment",
        _SHAPE,
        id=Appointment.id,
        state=Appointment.state,
        independent=Appointment.independent,
        accepted_by=Appointment.accepted_by,
    )
    acts = columns_of_kind("act", _SHAPE, step=StepTaken.step, party_id=StepTaken.party_id)
    terms = columns_of_kind(
        "term",
        _SHAPE,
        term=Deadline.term,
        party_id=Deadline.party_id,
        state=Deadline.state,
        due_on=Deadline.due_on,
        suspended=Deadline.suspended_on.is_not(None),
    )
    services = columns_of_kind("service", _SHAPE, party_id=Service.party_id, served_on=Service.served_on)
    texts = columns_of_kind("text", _SHAPE, settles=Draft.settles)
    return union_all(
        parties.where(Party.case_id == case_id),
        third_states.where(ThirdState.case_id == case_id),
        appointments.where(Appointment.case_id == case_id, Appointment.ended_at.is_(None)),
        acts.where(StepTaken.case_id == case_id, StepTaken.voided_at.is_(None)),
        terms.where(Deadline.case_id == case_id),
        texts.where(Draft.case_id == case_id, Draft.state == "frozen"),
        services.where(Service.case_id == case_id, Service.served_on.is_not(None)),
    )


_FACTS = _facts_statement()


def _party(row: AnyRow, served_on: date | None) -> PartyFact:
    return PartyFact(
        id=row.id,
        side=row.side,
        kind=row.kind,
        name=row.name,
        consented=bool(row.consented),
        in_force_on=row.in_force_on,
        ceases_on=row.ceases_on,
        earlier_memberships=memberships_of(row.earlier_periods or ()),
        declarations=tuple(_declarations(row.declarations or ())),
        participation=row.participation,
        served_on=served_on,
    )


def _declarations(stored: Iterable[dict[str, Any]]) -> Iterable[Declaration]:
    for item in stored:
        yield Declaration(frozenset(item["subjects"]), _parsed(item["from_on"]), _parsed(item["until_on"]))


def _parsed(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None


def _appointment(row: AnyRow) -> AppointmentFact:
    accepted_by = frozenset(UUID(party_id) for party_id in row.accepted_by)
    return AppointmentFact(row.id, row.state, row.independent, accepted_by)
