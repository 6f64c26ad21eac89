"""The terms of a simulated case: started, suspended, resumed, ended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from app.rules.model import SET_PER_CASE, PartyFact, Step, Term
from app.rules.silence import effects
from app.rules.simulation.assumed import AssumedAct
from app.rules.simulation.course import Course, refusal, with_entry
from app.rules.simulation.timeline import ENDED, OVER, RUNNING, SUSPENDED, Entry, SimulatedDeadline
from app.rules.terms import Calendar, TermFault, days_in_words, due, remaining, resumed, with_reason, written


@dataclass(frozen=True, slots=True)
class _Beginning:
    """From which day a term counts: the day that is set for it, who received, and why the act counts on its day."""

    on: date
    set_on: date | None = None
    receiver: PartyFact | None = None
    why: str | None = None


def start_terms(course: Course, step: Step, act: AssumedAct) -> Course:
    """Start the terms of a step; terms from receipt start for the parties that have been served already."""
    for term in map(course.procedure.term, step.starts):
        if term.runs_from == "receipt":
            for party in course.facts.parties:
                if party.served_on is not None:
                    course = _start(course, step.name, term, _Beginning(party.served_on, receiver=party))
        else:
            set_on = act.due_on if term.settable or term.period == SET_PER_CASE else None
            if term.period != SET_PER_CASE or set_on is not None:
                course = _start(course, step.name, term, _Beginning(course.on, set_on, why=act.why))
    return course


def await_receipt(course: Course, step: Step) -> Course:
    """Keep which terms start for a party on its service: without those that this step ends or whose step it voids."""
    kept = [(starter, term) for starter, term in course.on_receipt if starter not in step.voids]
    begun = [(step.name, name) for name in step.starts if course.procedure.term(name).runs_from == "receipt"]
    pairs = dict.fromkeys((*kept, *begun))
    return replace(course, on_receipt=tuple(pair for pair in pairs if pair[1] not in step.ends))


def start_on_receipt(course: Course, party: PartyFact) -> Course:
    """Start the terms that run for a party from its service, which is today."""
    for step, term in course.on_receipt:
        course = _start(course, step, course.procedure.term(term), _Beginning(course.on, receiver=party))
    return course


def _start(course: Course, step: str, term: Term, beginning: _Beginning) -> Course:
    receiver = beginning.receiver
    try:
        calendars = calendars_of(course, term, receiver)
        counted = due(term, step, beginning.on, beginning.set_on, calendars, receiver.name if receiver else None)
    except TermFault as problem:
        detail = f"No day can be found for the term: {problem}."
        raise refusal(course, "no-day", detail, term.citation) from problem
    deadline = SimulatedDeadline(
        term,
        receiver,
        step,
        beginning.on,
        counted.due_on,
        counted.due_on,
        RUNNING,
        tuple(with_reason(counted.explanation, beginning.why)),
        effects(course.procedure, term.name, course.facts.stage),
    )
    course = replace(course, deadlines=(*course.deadlines, deadline))
    return with_entry(course, Entry(course.on, "deadline-set", course.act, deadline=deadline))


def calendars_of(course: Course, term: Term, addressee: PartyFact | None) -> tuple[Calendar, ...]:
    """The calendars that the term names, each once; the addressee is the party for which alone it runs."""
    calendars: dict[str, Calendar] = {}
    if "seat" in term.calendars:
        calendars[course.calendars.seat.name] = course.calendars.seat
    if "parties" in term.calendars:
        for calendar in course.calendars.parties:
            calendars.setdefault(calendar.name, calendar)
    elif "addressee" in term.calendars and addressee is not None:
        of_parties = zip(course.facts.parties, course.calendars.parties, strict=True)
        own = next(calendar for party, calendar in of_parties if party.id == addressee.id)
        calendars.setdefault(own.name, own)
    if "institution" in term.calendars:
        calendars[course.calendars.institution.name] = course.calendars.institution
    return tuple(calendars.values())


def follow_step(course: Course, step: Step) -> Course:
    """Suspend and resume the terms that the step names; a term that has passed stays as it is."""
    for deadline in course.deadlines:
        if deadline.term.name in step.suspends and deadline.state == RUNNING:
            course = suspend(course, deadline)
        elif deadline.term.name in step.resumes and deadline.state == SUSPENDED:
            course = resume(course, deadline)
    return course


def end_terms(course: Course, terms: Iterable[str]) -> Course:
    """End the deadlines of these terms, the earliest first."""
    for deadline in sorted(course.deadlines, key=lambda deadline: deadline.due_on):
        if deadline.state not in OVER and deadline.term.name in terms:
            course = change(course, deadline, replace(deadline, state=ENDED), "deadline-ended")
    return course


def suspend(course: Course, deadline: SimulatedDeadline) -> Course:
    """Stop a running term; it keeps the days that it has left."""
    left = remaining(deadline.term, course.on, deadline.due_on, calendars_of(course, deadline.term, deadline.party))
    line = f"Suspended: on {written(course.on)}, with {days_in_words(deadline.term, left)} left."
    changed = replace(deadline, state=SUSPENDED, days_left=left, explanation=(*deadline.explanation, line))
    return change(course, deadline, changed, "deadline-suspended")


def resume(course: Course, deadline: SimulatedDeadline) -> Course:
    """Let a suspended term run again."""
    again = resumed(
        deadline.term, course.on, deadline.days_left or 0, calendars_of(course, deadline.term, deadline.party)
    )
    # The limit of all extensions moves with the term: a suspension is no extension.
    changed = replace(
        deadline,
        state=RUNNING,
        first_due_on=deadline.first_due_on + (again.due_on - deadline.due_on),
        due_on=again.due_on,
        days_left=None,
        explanation=(*deadline.explanation, *again.explanation),
    )
    return change(course, deadline, changed, "deadline-resumed")


def change(course: Course, deadline: SimulatedDeadline, changed: SimulatedDeadline, kind: str) -> Course:
    """Replace the deadline with the changed one, and add an entry of that kind."""
    changed = replace(changed, silence=effects(course.procedure, deadline.term.name, course.facts.stage))
    deadlines = tuple(changed if item is deadline else item for item in course.deadlines)
    return with_entry(replace(course, deadlines=deadlines), Entry(course.on, kind, course.act, deadline=changed))
