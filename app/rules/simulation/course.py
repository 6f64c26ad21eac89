"""The state of a simulated case while it is played."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from app.rules.model import AppointmentFact, Citation, Facts, PartyFact, Procedure, Reason, Refused, Stage, TermFact
from app.rules.simulation.assumed import AssumedParty, Calendars, SimulationFault
from app.rules.simulation.timeline import OVER, SUSPENDED, Entry, SimulatedDeadline

# Terms that start one another by the clock could go on for ever.
MOST_ENTRIES = 1000
PRACTICE = Citation(None, "institution", None)
# Every convention is in force for every party long before the simulated acts.
_LONG_AGO = date.min


@dataclass(frozen=True, slots=True)
class Course:
    """How far the case has come; `act` is the index of the act that is being done, None while only time passes.

    `on_receipt` pairs each step with a term that it started and that runs for each party from its service.
    """

    procedure: Procedure
    calendars: Calendars
    on: date
    facts: Facts
    act: int | None = None
    served: bool = False
    outcome: str | None = None
    nominations: int = 0
    on_receipt: tuple[tuple[str, str], ...] = ()
    deadlines: tuple[SimulatedDeadline, ...] = ()
    entries: tuple[Entry, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage at which the case stands."""
        return self.procedure.stage(self.facts.stage)

    @property
    def mediator(self) -> AppointmentFact | None:
        """The appointment of the mediator in office."""
        return next((item for item in reversed(self.facts.appointments) if item.state == "confirmed"), None)

    def name_of(self, party_id: UUID | None) -> str | None:
        """The name of a party; None if the id is no party's."""
        return next((party.name for party in self.facts.parties if party.id == party_id), None)


def begin(procedure: Procedure, parties: Sequence[AssumedParty], calendars: Calendars, on: date) -> Course:
    """A case in its first stage, in which nothing has been done."""
    facts = tuple(
        PartyFact(UUID(int=number), party.side, party.kind, party.name, consented=False, in_force_on=_LONG_AGO)
        for number, party in enumerate(parties, 1)
    )
    return Course(procedure, calendars, on, Facts(procedure.initial.name, frozenset(), None, facts))


def facts_of(course: Course, subject: UUID | None = None) -> Facts:
    """The facts for the engine, with the item that is acted on."""
    terms = tuple(
        TermFact(
            deadline.term.name,
            deadline.due_on,
            deadline.state in OVER,
            deadline.state == SUSPENDED,
            deadline.party.id if deadline.party else None,
        )
        for deadline in course.deadlines
    )
    return replace(course.facts, terms=terms, subject=subject)


def with_entry(course: Course, entry: Entry) -> Course:
    """The course with one more entry; SimulationFault if the timeline already has MOST_ENTRIES."""
    if len(course.entries) == MOST_ENTRIES:
        detail = f"More than {MOST_ENTRIES} things happen until then: end the simulation earlier."
        raise SimulationFault(None, "until", "too-long", detail)
    return replace(course, entries=(*course.entries, entry))


def with_assumption(course: Course, sentence: str) -> Course:
    """The course with an assumption that the answer states, once."""
    return course if sentence in course.assumed else replace(course, assumed=(*course.assumed, sentence))


def fault(course: Course, field: str, code: str, detail: str) -> SimulationFault:
    """A fault in a field of the act that is being done."""
    return SimulationFault(course.act, field, code, detail)


def refusal(course: Course, code: str, detail: str, citation: Citation = PRACTICE) -> Refused:
    """A refusal with one reason, which cites the registry's own practice unless a rule is given."""
    return Refused(code, detail, (Reason(code, detail, citation),), course.facts.stage)
