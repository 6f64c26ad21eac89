"""Simulations as they come in and go out: a course of events that is assumed, and what the rules make of it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound, invalid, reason_out
from app.core.values import Code, Day, In, Line, Out
from app.institution.calendars.countries import calendar_of, plain
from app.institution.calendars.schemas import CalendarCode, ClosureIn
from app.institution.procedures.schemas import MOST_PARTIES, PARTY_KINDS, CitedOut, ReasonOut, Side, SilenceOut
from app.institution.procedures.service import cited, silence_out
from app.rules.loader import library
from app.rules.model import Procedure, Refused, Waiting
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars, SimulationFault
from app.rules.simulation.machine import simulate
from app.rules.simulation.timeline import ENDED, WAIVED, Entry, OpenTo, SimulatedDeadline, Simulation, Taken
from app.rules.terms import Calendar

MOST_ACTS, MOST_CLOSURES = 100, 50
_NO_CALENDAR = "No calendar is named for {}: it rests on Saturdays and Sundays."


class SimulatedParty(In):
    """A party that is assumed; `calendar` is the country by which it rests."""

    side: Side
    name: Line
    kind: PARTY_KINDS = "state"
    calendar: CalendarCode | None = None


class SimulatedAct(In):
    """An act on a day at the seat: a step of the rules, or `serve`, `extend`, `waive`, `suspend` or `resume`.

    `by` is a capacity (by default the first of the step), `party` the name of the party that acts or is meant.
    """

    step: Code
    on: Day
    by: Code | None = None
    party: Line | None = None
    due_on: Day | None = None
    ground: Code | None = None
    settles: Literal["whole", "part"] = "whole"
    term: Code | None = None
    until_on: Day | None = None


def _parties(given: list[SimulatedParty]) -> list[SimulatedParty]:
    if len({party.name for party in given}) < len(given):
        raise PydanticCustomError("repeated", "Name each party only once.")
    if not {"requesting", "responding"} <= {party.side for party in given}:
        raise PydanticCustomError("sides", "Name a party on the side 'requesting' and one on the side 'responding'.")
    return given


class SimulationIn(In):
    """Parties, calendars and acts that are assumed, and the day until which time is to go by.

    A closure without a calendar is one of the institution.
    """

    parties: Annotated[list[SimulatedParty], Field(min_length=2, max_length=MOST_PARTIES), AfterValidator(_parties)]
    seat_calendar: CalendarCode | None = None
    institution_calendar: CalendarCode | None = None
    closures: Annotated[list[ClosureIn], Field(max_length=MOST_CLOSURES)] = []
    acts: Annotated[list[SimulatedAct], Field(max_length=MOST_ACTS)] = []
    until: Day


class SimulatedStepOut(CitedOut):
    """A step that was taken; it does not complete while other parties have still to take it."""

    name: str
    title: str
    by: str
    party: str | None
    from_stage: str
    stage: str
    phase: str
    outcome: str | None
    completes: bool


class SimulatedDeadlineOut(CitedOut):
    """A term that runs, for one party where it names one: its day, why, and what silence brings."""

    term: str
    title: str
    party: str | None
    state: str
    due_on: date
    explanation: list[str]
    silence: list[SilenceOut]


class RefusedOut(Out):
    """Why an act was refused."""

    code: str
    detail: str
    stage: str
    reasons: list[ReasonOut]


class TimelineEntryOut(Out):
    """One thing of the timeline; `act` is the number of the act that brings it, from 0, null for what time brings.

    Its kind is `step`, `clock-step`, `served`, `refused`, or `deadline-` with what happened to the deadline.
    """

    on: date
    kind: str
    act: int | None
    party: str | None
    step: SimulatedStepOut | None
    deadline: SimulatedDeadlineOut | None
    refused: RefusedOut | None


class SimulatedTrackOut(Out):
    """A track as it stands at the end."""

    name: str
    state: str


class SimulatedPartyOut(Out):
    """A party as it stands at the end."""

    name: str
    side: str
    participation: str
    consented: bool
    served_on: date | None


class AwaitedOut(CitedOut):
    """Whom the case then waits for, for which step and until when."""

    capacity: str
    party: str | None
    step: str
    due_on: date | None


class OpenStepOut(CitedOut):
    """A step that is then open."""

    name: str
    title: str


class OpenToOut(Out):
    """The steps that are then open to somebody."""

    capacity: str
    party: str | None
    steps: list[OpenStepOut]


class SimulationOut(Out):
    """What the rules make of the acts: the timeline, and how everything stands at its end."""

    procedure: str
    until: date
    timeline: list[TimelineEntryOut]
    stage: str
    phase: str
    outcome: str | None
    tracks: list[SimulatedTrackOut]
    parties: list[SimulatedPartyOut]
    deadlines: list[SimulatedDeadlineOut]
    waiting_for: list[AwaitedOut]
    open_steps: list[OpenToOut]
    assumptions: list[str]


def simulate_procedure(
    db: GatedSession, actor: Actor, now: datetime, procedure_id: str, given: SimulationIn
) -> SimulationOut:
    """What the rules make of assumed acts; no table is read.

    Raises NotFound for rules that there are not, and Invalid for acts that they do not know or days out of order.
    """
    procedure = library().get(procedure_id)
    if procedure is None:
        raise NotFound
    parties = [AssumedParty(party.name, party.side, party.kind) for party in given.parties]
    acts = [AssumedAct(**dict(act)) for act in given.acts]
    try:
        found = simulate(procedure, parties, acts, _calendars(given), given.until)
    except SimulationFault as fault:
        place = f"/{fault.field}" if fault.act is None else f"/acts/{fault.act}/{fault.field}"
        raise invalid(place, fault.code, fault.detail) from fault
    return _out(procedure, given, found)


def _calendars(given: SimulationIn) -> Calendars:
    return Calendars(
        _calendar(given, given.seat_calendar, "the seat"),
        _calendar(given, given.institution_calendar, "the institution"),
        tuple(_calendar(given, party.calendar, party.name) for party in given.parties),
    )


def _calendar(given: SimulationIn, code: str | None, told: str) -> Calendar:
    closures = [
        (one.from_on, one.until_on, one.name)
        for one in given.closures
        if (told == "the institution" if one.calendar is None else one.calendar == code)
    ]
    return plain(told, closures) if code is None else calendar_of(code, closures)


def _out(procedure: Procedure, given: SimulationIn, found: Simulation) -> SimulationOut:
    names = {party.id: party.name for party in found.parties}
    return SimulationOut(
        procedure=procedure.id,
        until=given.until,
        timeline=[_entry(entry) for entry in found.entries],
        stage=found.stage.name,
        phase=found.stage.phase,
        outcome=found.outcome,
        tracks=[SimulatedTrackOut.model_validate(track) for track in found.tracks],
        parties=[SimulatedPartyOut.model_validate(party) for party in found.parties],
        deadlines=[_deadline(one) for one in found.deadlines if one.state not in (WAIVED, ENDED)],
        waiting_for=[_awaited(one, names.get(one.party_id) if one.party_id else None) for one in found.waiting],
        open_steps=[_open_to(one) for one in found.open_steps],
        assumptions=[*found.assumptions, *_resting(procedure, given)],
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


def _deadline(one: SimulatedDeadline) -> SimulatedDeadlineOut:
    return SimulatedDeadlineOut(
        term=one.term.name,
        title=one.term.title,
        party=one.party.name if one.party else None,
        state=one.state,
        due_on=one.due_on,
        explanation=list(one.explanation),
        silence=[silence_out(silence) for silence in one.silence],
        **cited(one.term.citation),
    )


def _refused(refused: Refused) -> RefusedOut:
    reasons = [ReasonOut(**reason_out(reason)) for reason in refused.reasons]
    return RefusedOut(code=refused.code, detail=refused.detail, stage=refused.stage, reasons=reasons)


def _awaited(one: Waiting, party: str | None) -> AwaitedOut:
    return AwaitedOut(capacity=one.capacity, party=party, step=one.step, due_on=one.due_on, **cited(one.citation))


def _open_to(one: OpenTo) -> OpenToOut:
    steps = [OpenStepOut(name=step.name, title=step.title, **cited(step.citation)) for step in one.steps]
    return OpenToOut(capacity=one.capacity, party=one.party, steps=steps)


def _resting(procedure: Procedure, given: SimulationIn) -> Iterable[str]:
    """Of which places that matter to a term no calendar is named."""
    used = {word for term in procedure.terms for word in term.calendars}
    if "seat" in used and given.seat_calendar is None:
        yield _NO_CALENDAR.format("the seat")
    if "parties" in used:
        for party in given.parties:
            if party.calendar is None:
                yield _NO_CALENDAR.format(party.name)
    if "institution" in used and given.institution_calendar is None:
        yield _NO_CALENDAR.format("the institution")
