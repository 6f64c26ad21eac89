"""The shape of a rule set, the facts of a case that the engine reads, and its answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import TypeVar
from uuid import UUID

PHASES = ("intake", "assignment", "sessions", "settlement", "closed")
STANDINGS = ("text", "secondary", "unverified", "institution")
OUTCOMES = (
    "settled",
    "partly-settled",
    "not-settled",
    "declined",
    "withdrawn",
    "lapsed",
    "referred",
    "inadmissible",
)
PARTY_CAPACITIES = ("requesting-party", "responding-party")
CAPACITIES = (
    *PARTY_CAPACITIES,
    "any-party",
    "mediator",
    "registry",
    "appointing-authority",
    "observer",
    "court",
    "candidate",
    "clock",
)
# Blocks of fields that a rule set can ask of a step by name.
FIELD_BLOCKS = ("consent", "powers")
AMENDABLE = ("all", "strike", "none")
WITHDRAWN = "withdrawn"
PARTICIPATIONS = ("appearing", "not-appearing", WITHDRAWN)
OPEN, PAUSED, CLOSED = "open", "paused", "closed"
SET_PER_CASE = "set-per-case"

_Item = TypeVar("_Item", "Stage", "Track", "Term", "Check", "Ground")


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule is written, and how well that is established; without an article it is the registry's practice."""

    article: str | None
    standing: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a case; `amendable` says what the requesting side may still change of its request."""

    name: str
    phase: str
    title: str
    final: bool
    amendable: str


@dataclass(frozen=True, slots=True)
class Track:
    """Parallel proceedings within a case, apart from its stages: opened, paused, resumed and closed."""

    name: str
    title: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Term:
    """A period that a step starts; `period` is `set-per-case` or a number with its unit (`30 days`, `10 working-days`).

    If it is `settable`, the request for the step may give the day instead. `runs_from` is `step`, `dispatch` (the step
    is the dispatch) or `receipt` (the term runs for each party from its service). `calendars` are those whose days off
    matter to `roll` and to working days. `extend_by`, `waive_by` and `suspend_by` are the capacities that may do so;
    `extend_with_all` requires the agreement of every party, and `extend_at_most` limits all extensions together.
    """

    name: str
    title: str
    period: str
    counting: str
    roll: str
    citation: Citation
    settable: bool = False
    runs_from: str = "step"
    calendars: tuple[str, ...] = ()
    extend_by: tuple[str, ...] = ()
    extend_with_all: bool = False
    extend_at_most: str | None = None
    waive_by: tuple[str, ...] = ()
    suspend_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Until when on a working day something counts that day if it arrives by one of the channels.

    What arrives at `until` or later, or on a day off of a calendar, counts on the next working day.
    """

    name: str
    channels: tuple[str, ...]
    until: time
    calendars: tuple[str, ...]
    citation: Citation


@dataclass(frozen=True, slots=True)
class Check:
    """A named check, with the rule that this rule set cites for it."""

    name: str
    title: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground on which a mediation may be ended without a settlement."""

    name: str
    title: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Step:
    """An act of the rule set.

    `origin` are the stages from which it can be taken, `to` the stage that it leads to (None: the case stays where it
    is). `each` names the capacity of which every party must act before the step takes effect. `needs` are checks that
    must hold, `fails` checks of which at least one must not hold. `voids` are steps whose acts it undoes. Its request
    gives one of its `grounds`, and may state one of its `positions`, which has no effect. `partial_outcome` is the
    outcome where the text settles only a part of the dispute. `opens`, `pauses`, `reopens` and `closes` are tracks, and
    `within` is a track that must be open. `participation` is the new state of the party that takes the step or, where
    no party does, of the party that is named.
    """

    name: str
    title: str
    by: tuple[str, ...]
    each: str | None
    origin: tuple[str, ...]
    to: str | None
    needs: tuple[str, ...]
    fails: tuple[str, ...]
    after: str | None
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    voids: tuple[str, ...]
    outcome: str | None
    partial_outcome: str | None
    grounds: tuple[str, ...]
    fields: tuple[str, ...]
    reason: bool
    expected: tuple[str, ...]
    lodges: bool
    serves: bool
    numbers: bool
    taken_through: str | None
    citation: Citation
    suspends: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    reopens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()
    within: str | None = None
    positions: tuple[str, ...] = ()
    participation: str | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """One edition of one institution's rules of procedure.

    A returned filing that is corrected within the period `resubmission` keeps the instant of its first receipt.
    """

    id: str
    title: str
    edition: str
    categories: tuple[str, ...]
    source: str
    commences: str
    fact_of_mediation: str
    caucus: str
    zone: str
    note: str
    stages: tuple[Stage, ...]
    terms: tuple[Term, ...]
    checks: tuple[Check, ...]
    grounds: tuple[Ground, ...]
    steps: tuple[Step, ...]
    tracks: tuple[Track, ...] = ()
    resubmission: str | None = None
    office_hours: tuple[OfficeHours, ...] = ()

    @property
    def initial(self) -> Stage:
        """The stage of a new case: the first in the file."""
        return self.stages[0]

    def stage(self, name: str) -> Stage:
        """The stage of that name; KeyError if the rule set has none."""
        return _named(self.stages, name)

    def term(self, name: str) -> Term:
        """The term of that name; KeyError if the rule set has none."""
        return _named(self.terms, name)

    def track(self, name: str) -> Track:
        """The track of that name; KeyError if the rule set has none."""
        return _named(self.tracks, name)

    def check(self, name: str) -> Check:
        """The check of that name as cited here; KeyError if the rule set has none."""
        return _named(self.checks, name)

    def ground(self, name: str) -> Ground:
        """The ground of that name; KeyError if the rule set has none."""
        return _named(self.grounds, name)

    def entries(self, step: str) -> tuple[Step, ...]:
        """All steps of this name: two may share it if their takers or their stages differ."""
        return tuple(entry for entry in self.steps if entry.name == step)


def _named(items: Iterable[_Item], name: str) -> _Item:
    for item in items:
        if item.name == name:
            return item
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Holding:
    """A capacity that the actor holds in the case, and for which party."""

    capacity: str
    party_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """Subjects that a member excluded from mediation, and for which days (inclusive; None is open)."""

    subjects: frozenset[str]
    from_on: date | None
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A period in which the convention is in force for a member.

    `ceases_on` is the first day after it; None if no end is known.
    """

    in_force_on: date
    ceases_on: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the convention is in force on the day."""
        return self.in_force_on <= day and (self.ceases_on is None or day < self.ceases_on)


@dataclass(frozen=True, slots=True)
class PartyFact:
    """A party as the rules see it.

    `in_force_on` is the day on which the convention last came into force for it, `ceases_on` the first day on which
    that is over, and `earlier_memberships` are the periods before. `served_on` is the day on which the request was
    served on it.
    """

    id: UUID
    side: str
    kind: str
    name: str
    consented: bool
    in_force_on: date | None = None
    declarations: tuple[Declaration, ...] = ()
    participation: str = "appearing"
    served_on: date | None = None
    ceases_on: date | None = None
    earlier_memberships: tuple[Membership, ...] = ()

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """The periods in which the convention is in force for the party, the earliest first."""
        if self.in_force_on is None:
            return self.earlier_memberships
        return (*self.earlier_memberships, Membership(self.in_force_on, self.ceases_on))

    @property
    def capacity(self) -> str:
        """The capacity of its side: every side but the requesting one is responding."""
        return "requesting-party" if self.side == "requesting" else "responding-party"


@dataclass(frozen=True, slots=True)
class ThirdStateFact:
    """A third State that the dispute involves, and whether its prior consent is confirmed."""

    id: UUID
    name: str
    consented: bool


@dataclass(frozen=True, slots=True)
class AppointmentFact:
    """A live appointment: proposed, declared or confirmed."""

    id: UUID
    state: str
    independent: bool | None
    accepted_by: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class ActFact:
    """A step that was taken and not voided, and for which party."""

    step: str
    party_id: UUID | None


@dataclass(frozen=True, slots=True)
class TermFact:
    """A term that was started in the case; it no longer runs if it is `ended`, whatever the day.

    While it is `suspended`, `due_on` is its day before the suspension. `party_id` is the party for which it runs, None
    if it runs for all.
    """

    name: str
    due_on: date
    ended: bool
    suspended: bool = False
    party_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TrackFact:
    """A track that was opened in the case: `open`, `paused` or `closed`."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that everybody in the case may know, and no others: no answer of the rules can reveal a confidence.

    `subject` is the item that is acted on: an appointment or a party; None stands for any. `settles` says whether the
    frozen text settles the `whole` dispute or a `part` of it.
    """

    stage: str
    subjects: frozenset[str]
    lodged_on: date | None
    parties: tuple[PartyFact, ...] = ()
    third_states: tuple[ThirdStateFact, ...] = ()
    appointments: tuple[AppointmentFact, ...] = ()
    acts: tuple[ActFact, ...] = ()
    terms: tuple[TermFact, ...] = ()
    settles: str = "whole"
    subject: UUID | None = None
    tracks: tuple[TrackFact, ...] = ()

    def track(self, name: str) -> str | None:
        """The state of a track; None if it was never opened."""
        return next((track.state for track in self.tracks if track.name == name), None)

    @property
    def remaining(self) -> tuple[PartyFact, ...]:
        """The parties that have not withdrawn."""
        return tuple(party for party in self.parties if party.participation != WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step is not open: a stable code, a sentence, the rule that it rests on, and the cure."""

    code: str
    detail: str
    citation: Citation
    cure: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The effect of a step. `completes` is false while an `each` step waits for other parties."""

    step: Step
    party_id: UUID | None
    completes: bool
    stage: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step, with whether it is available to the actor, and the reasons if it is not."""

    step: Step
    available: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whom the case waits for, for which step, by when.

    `need` is the check of the step that they fulfil by another act; None if they take the step itself.
    """

    capacity: str
    party_id: UUID | None
    step: str
    due_on: date | None
    citation: Citation
    need: str | None = None


class Refused(Exception):
    """The rules refuse the step.

    `code` is `unknown-step`, `not-your-capacity`, `step-not-open`, `term-not-passed` or `need-not-met`.
    """

    def __init__(self, code: str, detail: str, reasons: tuple[Reason, ...], stage: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.reasons = reasons
        self.stage = stage
