"""What a simulation returns: the timeline, and the state of the case at its end."""

from dataclasses import dataclass
from datetime import date

from app.rules.model import Citation, PartyFact, Refused, Stage, Step, Term, TrackFact, Waiting
from app.rules.silence import Silence

RUNNING, PASSED, SUSPENDED, WAIVED, ENDED = "running", "passed", "suspended", "waived", "ended"
OVER = (WAIVED, ENDED)


@dataclass(frozen=True, slots=True)
class SimulatedDeadline:
    """A term that was started: `running`, `passed`, `suspended`, `waived` or `ended`, and the effects of silence.

    `days_left` is set while the term is suspended: days or working days, as the term counts.
    """

    term: Term
    party: PartyFact | None
    trigger: str
    trigger_on: date
    first_due_on: date
    due_on: date
    state: str
    explanation: tuple[str, ...]
    silence: tuple[Silence, ...]
    days_left: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken; it does not complete while other parties have still to take it."""

    step: Step
    by: str
    party: str | None
    from_stage: str
    stage: str
    phase: str
    outcome: str | None
    completes: bool
    citation: Citation


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the timeline; `act` is the index of the act that caused it, None for an effect of time.

    Its kind is `step`, `clock-step`, `served`, `refused`, or `deadline-` with what happened to the deadline.
    """

    on: date
    kind: str
    act: int | None
    taken: Taken | None = None
    deadline: SimulatedDeadline | None = None
    refused: Refused | None = None
    party: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTo:
    """The steps that are open to a capacity, and for which party."""

    capacity: str
    party: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The timeline, and the state of the case at its end."""

    entries: tuple[Entry, ...]
    stage: Stage
    outcome: str | None
    tracks: tuple[TrackFact, ...]
    parties: tuple[PartyFact, ...]
    deadlines: tuple[SimulatedDeadline, ...]
    waiting: tuple[Waiting, ...]
    open_steps: tuple[OpenTo, ...]
    assumptions: tuple[str, ...]
