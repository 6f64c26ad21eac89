"""Runs a simulation: applies the rules to an assumed course of events and describes the result."""

from collections.abc import Iterable
from datetime import datetime

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound, invalid, reason_out
from app.institution.calendars.countries import INSTITUTION, calendar_with_closures
from app.institution.procedures.schemas import ReasonOut
from app.institution.procedures.service import cited, silence_out
from app.institution.procedures.simulation_schemas import (
    AwaitedOut,
    OpenStepOut,
    OpenToOut,
    RefusedOut,
    SimulatedDeadlineOut,
    SimulatedPartyOut,
    SimulatedStepOut,
    SimulatedTrackOut,
    SimulationIn,
    SimulationOut,
    TimelineEntryOut,
)
from app.rules.loader import library
from app.rules.model import Procedure, Refused, Waiting
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars, SimulationFault
from app.rules.simulation.machine import simulate
from app.rules.simulation.timeline import ENDED, WAIVED, Entry, OpenTo, SimulatedDeadline, Simulation, Taken

_NO_CALENDAR = "No calendar was named for {}: only Saturdays and Sundays count as non-working days."


def simulate_procedure(
    db: GatedSession, actor: Actor, now: datetime, procedure_id: str, request: SimulationIn
) -> SimulationOut:
    """Simulate a procedure with assumed parties and acts; reads no table.

    Raises NotFound for an unknown procedure, and Invalid for acts unknown to it or days out of order.
    """
    procedure = library().get(procedure_id)
    if procedure is None:
        raise NotFound
    parties = [AssumedParty(party.name, party.side, party.kind) for party in request.parties]
    acts = [AssumedAct(**dict(act)) for act in request.acts]
    try:
        result = simulate(procedure, parties, acts, _calendars(request), request.until)
    except SimulationFault as fault:
        place = f"/{fault.field}" if fault.act is None else f"/acts/{fault.act}/{fault.field}"
        raise invalid(place, fault.code, fault.detail) from fault
    return _out(procedure, request, result)


def _calendars(request: SimulationIn) -> Calendars:
    closures = request.closures
    return Calendars(
        calendar_with_closures("the seat", request.seat_calendar, closures),
        calendar_with_closures(INSTITUTION, request.institution_calendar, closures),
        tuple(calendar_with_closures(party.name, party.calendar, closures) for party in request.parties),
    )


def _out(procedure: Procedure, request: SimulationIn, result: Simulation) -> SimulationOut:
    names = {party.id: party.name for party in result.parties}
    return SimulationOut(
        procedure=procedure.id,
        until=request.until,
        timeline=[_entry(entry) for entry in result.entries],
        stage=result.stage.name,
        phase=result.stage.phase,
        outcome=result.outcome,
        tracks=[SimulatedTrackOut.model_validate(track) for track in result.tracks],
        parties=[SimulatedPartyOut.model_validate(party) for party in result.parties],
        deadlines=[_deadline(deadline) for deadline in result.deadlines if deadline.state not in (WAIVED, ENDED)],
        waiting_for=[
            _awaited(waiting, names.get(waiting.party_id) if waiting.party_id else None) for waiting in result.waiting
        ],
        open_steps=[_open_to(open_to) for open_to in result.open_steps],
        assumptions=[*result.assumptions, *_missing_calendars(procedure, request)],
    )


def _entry(entry: Entry) -> TimelineEntryOut:
    return TimelineEntryOut(
        on=entry.on,
        kind=entry.kind,
        act=entry.act,
        party=entry.party,
        step=_step(entry.taken) if entry.taken else None,
        deadline=_deadline(entry.deadline) if entry.deadline else None,
        refused=_refused(entry.refused) if entry.refused else None,
    )


def _step(taken: Taken) -> SimulatedStepOut:
    return SimulatedStepOut(
        name=taken.step.name,
        title=taken.step.title,
        by=taken.by,
        party=taken.party,
        from_stage=taken.from_stage,
        stage=taken.stage,
        phase=taken.phase,
        outcome=taken.outcome,
        completes=taken.completes,
        **cited(taken.citation),
    )


def _deadline(deadline: SimulatedDeadline) -> SimulatedDeadlineOut:
    return SimulatedDeadlineOut(
        term=deadline.term.name,
        title=deadline.term.title,
        party=deadline.party.name if deadline.party else None,
        state=deadline.state,
        due_on=deadline.due_on,
        explanation=list(deadline.explanation),
        silence=[silence_out(silence) for silence in deadline.silence],
        **cited(deadline.term.citation),
    )


def _refused(refused: Refused) -> RefusedOut:
    reasons = [ReasonOut(**reason_out(reason)) for reason in refused.reasons]
    return RefusedOut(code=refused.code, detail=refused.detail, stage=refused.stage, reasons=reasons)


def _awaited(waiting: Waiting, party: str | None) -> AwaitedOut:
    return AwaitedOut(
        capacity=waiting.capacity,
        party=party,
        step=waiting.step,
        due_on=waiting.due_on,
        **cited(waiting.citation),
    )


def _open_to(open_to: OpenTo) -> OpenToOut:
    steps = [OpenStepOut(name=step.name, title=step.title, **cited(step.citation)) for step in open_to.steps]
    return OpenToOut(capacity=open_to.capacity, party=open_to.party, steps=steps)


def _missing_calendars(procedure: Procedure, request: SimulationIn) -> Iterable[str]:
    """Name each place without a calendar whose calendar would matter to a term."""
    used = {word for term in procedure.terms for word in term.calendars}
    if "seat" in used and request.seat_calendar is None:
        yield _NO_CALENDAR.format("the seat")
    if used & {"parties", "addressee"}:
        for party in request.parties:
            if party.calendar is None:
                yield _NO_CALENDAR.format(party.name)
    if "institution" in used and request.institution_calendar is None:
        yield _NO_CALENDAR.format(INSTITUTION)
