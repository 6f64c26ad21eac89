"""Simulations in requests and answers: assumed parties and acts, and the timeline that the rules make of them."""

import re
from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.values import Code, Day, In, Line, Out, one_of
from app.institution.calendars.schemas import CalendarCode, ClosureIn
from app.institution.procedures.schemas import (
    MOST_SIMULATED,
    PARTY_KINDS,
    Capacity,
    CitedOut,
    DeadlineState,
    Outcome,
    Participation,
    Phase,
    ReasonOut,
    Side,
    SideName,
    SilenceOut,
    TrackState,
)

MOST_ACTS, MOST_CLOSURES = 100, 50
_OF_DEADLINES = ("set", "extended", "waived", "suspended", "resumed", "passed", "ended")
ENTRY_KINDS = ("step", "clock-step", "served", "refused", *(f"deadline-{what}" for what in _OF_DEADLINES))


def _time(value: Any) -> time:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        return time.fromisoformat(value)
    raise PydanticCustomError("time", "Send a time of the day as 16:30.")


LocalTime = Annotated[time, BeforeValidator(_time), WithJsonSchema({"type": "string"})]


class SimulatedParty(In):
    """A party that is assumed."""

    side: Side = Field(description="The side on which the party stands.")
    name: Line = Field(description="The name by which acts refer to the party.")
    kind: PARTY_KINDS = Field("state", description="What the party is.")
    calendar: CalendarCode | None = Field(
        None,
        description="The calendar of the party's days off: the code of a country (`HK`) or a part of one (`DE-BY`).",
    )


class SimulatedAct(In):
    """An act on a day at the seat."""

    step: Code = Field(
        description="The name of a step in the rule set, or `serve`, `extend`, `waive`, `suspend` or `resume`."
    )
    on: Day = Field(description="The day of the act. List acts in the order of their days.")
    by: Code | None = Field(
        None, description="The capacity in which it is done; the first that may take the step if left out."
    )
    party: Line | None = Field(None, description="The party that acts, or that the act concerns, by its name.")
    due_on: Day | None = Field(None, description="The last day of the term that the step starts, where it may be set.")
    ground: Code | None = Field(
        None, description="The ground on which the mediation ends, by its name in the rule set."
    )
    settles: Literal["whole", "part"] = Field(
        "whole", description="Whether a text that is frozen settles the whole dispute or a part of it."
    )
    term: Code | None = Field(
        None, description="The term to be extended, waived, suspended or resumed, by its name in the rule set."
    )
    until_on: Day | None = Field(None, description="The day until which the term is extended.")
    received_via: Code | None = Field(
        None, description="How what a party sent on paper reached the registry on that day, such as `e-mail`."
    )
    received_time: LocalTime | None = Field(
        None, description="When it reached the registry, as `16:30` by the clock at the seat."
    )


def _parties(parties: list[SimulatedParty]) -> list[SimulatedParty]:
    if len({party.name for party in parties}) < len(parties):
        raise PydanticCustomError("repeated", "Two parties have the same name. Give each party its own.")
    if not {"requesting", "responding"} <= {party.side for party in parties}:
        raise PydanticCustomError("sides", "Name a party on the side 'requesting' and one on the side 'responding'.")
    return parties


class SimulationIn(In):
    """The parties, calendars and acts that are assumed, and the day until which time passes."""

    parties: Annotated[
        list[SimulatedParty], Field(min_length=2, max_length=MOST_SIMULATED), AfterValidator(_parties)
    ] = Field(description="The parties, with one on the requesting side and one on the responding side.")
    seat_calendar: CalendarCode | None = Field(
        None, description="The calendar of days off at the seat; without it Saturdays and Sundays are off."
    )
    institution_calendar: CalendarCode | None = Field(
        None, description="The calendar of the institution's days off; without it Saturdays and Sundays are off."
    )
    closures: Annotated[list[ClosureIn], Field(max_length=MOST_CLOSURES)] = Field(
        [], description="Days on which a place or the institution rests in addition to its calendar."
    )
    acts: Annotated[list[SimulatedAct], Field(max_length=MOST_ACTS)] = Field(
        [], description="The acts, in the order of their days."
    )
    until: Day = Field(description="The day at whose end the simulation ends: that of the last act or a later one.")


class SimulatedStepOut(CitedOut):
    """A step that was taken."""

    name: str = Field(description="The name of the step.")
    title: str = Field(description="The title of the step, for people.")
    by: Capacity = Field(description="The capacity in which it was taken.")
    party: str | None = Field(description="The party that took it, or that it concerns; null if none.")
    from_stage: str = Field(description="The stage from which it was taken.")
    stage: str = Field(description="The stage afterwards.")
    phase: Phase = Field(description="The phase afterwards.")
    outcome: Outcome | None = Field(description="How the case ended; null if it goes on.")
    completes: bool = Field(description="Whether the step has effect, or other parties must still take it.")


class SimulatedDeadlineOut(CitedOut):
    """A deadline of the simulation."""

    term: str = Field(description="The term, by its name in the rule set.")
    title: str = Field(description="What the term is for.")
    party: str | None = Field(description="The party for which it runs; null if it runs for all.")
    state: DeadlineState = Field(description="Whether it runs.")
    due_on: date = Field(description="The last day.")
    explanation: list[str] = Field(description="How the last day was computed, line by line.")
    silence: list[SilenceOut] = Field(description="What follows when the term passes unanswered.")


class RefusedOut(Out):
    """Why the rules refused an act."""

    code: str = Field(description="A stable code, such as `need-not-met`.")
    detail: str = Field(description="The refusal, in a sentence.")
    stage: str = Field(description="The stage of the case at the time.")
    reasons: list[ReasonOut] = Field(description="The reasons.")


class TimelineEntryOut(Out):
    """One entry of the timeline. `step`, `deadline` or `refused` says more, as its kind demands."""

    on: date = Field(description="The day of the entry.")
    kind: Annotated[
        str,
        one_of(
            ENTRY_KINDS,
            "What happened. `step`: a step was taken. `clock-step`: time brought one. `served`: a party received the "
            "request. `refused`: the rules refused an act. `deadline-…`: what happened to a deadline.",
        ),
    ]
    act: int | None = Field(
        description="The number of the act from which it follows, from 0; null for what time brings."
    )
    party: str | None = Field(description="The party that the entry concerns; null if none.")
    step: SimulatedStepOut | None = Field(description="The step that was taken; otherwise null.")
    deadline: SimulatedDeadlineOut | None = Field(description="The deadline, as it then stands; otherwise null.")
    refused: RefusedOut | None = Field(description="The refusal; otherwise null.")


class SimulatedTrackOut(Out):
    """The state of a track at the end."""

    name: str = Field(description="The name of the track in the rule set.")
    state: TrackState = Field(description="Whether it is open, paused or closed.")


class SimulatedPartyOut(Out):
    """The state of a party at the end."""

    name: str = Field(description="The name of the party.")
    side: SideName = Field(description="The side on which the party stands.")
    participation: Participation = Field(description="Whether the party takes part.")
    consented: bool = Field(description="Whether the party has consented.")
    served_on: date | None = Field(description="The day on which the request was served on it; null if it was not.")


class AwaitedOut(CitedOut):
    """Somebody for whom the case waits at the end."""

    capacity: Capacity = Field(description="The capacity for which the case waits.")
    party: str | None = Field(description="The party for which it waits; null if for none.")
    step: str = Field(description="The step for which it waits, by its name.")
    due_on: date | None = Field(description="The day by which the step is due; null if no term runs.")


class OpenStepOut(CitedOut):
    """A step that is open at the end."""

    name: str = Field(description="The name of the step.")
    title: str = Field(description="The title of the step, for people.")


class OpenToOut(Out):
    """The steps that are open to somebody at the end."""

    capacity: Capacity = Field(description="The capacity to which they are open.")
    party: str | None = Field(description="The party to which they are open; null if to none.")
    steps: list[OpenStepOut] = Field(description="The steps.")


class SimulationOut(Out):
    """What the rules make of the acts: the timeline, and the state at its end."""

    procedure: str = Field(description="The rule set, by its id.")
    until: date = Field(description="The day at whose end the simulation ended.")
    timeline: list[TimelineEntryOut] = Field(description="What happened, in order.")
    stage: str = Field(description="The stage at the end.")
    phase: Phase = Field(description="The phase at the end.")
    outcome: Outcome | None = Field(description="How the case ended; null if it goes on.")
    tracks: list[SimulatedTrackOut] = Field(description="The tracks that were opened.")
    parties: list[SimulatedPartyOut] = Field(description="The parties.")
    deadlines: list[SimulatedDeadlineOut] = Field(description="The deadlines that were neither ended nor waived.")
    waiting_for: list[AwaitedOut] = Field(description="For whom the case waits, and for which step.")
    open_steps: list[OpenToOut] = Field(description="The steps that are open, and to whom.")
    assumptions: list[str] = Field(description="What the simulation assumed, in sentences.")
