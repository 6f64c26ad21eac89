"""Simulations as they come in and go out."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.core.values import Code, Day, In, Line, Out
from app.institution.calendars.schemas import CalendarCode, ClosureIn
from app.institution.procedures.schemas import MOST_PARTIES, PARTY_KINDS, CitedOut, ReasonOut, Side, SilenceOut

MOST_ACTS, MOST_CLOSURES = 100, 50


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
