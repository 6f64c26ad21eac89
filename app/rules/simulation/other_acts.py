"""The acts of a simulated case that are no steps: service of the request, and acts on a term."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from app.rules import engine
from app.rules.model import Term
from app.rules.simulation import deadlines
from app.rules.simulation.assumed import AssumedAct
from app.rules.simulation.course import Course, fault, refusal, with_assumption, with_entry
from app.rules.simulation.parties import named_party, party_of_capacity, with_party
from app.rules.simulation.timeline import OVER, RUNNING, SUSPENDED, WAIVED, Entry, SimulatedDeadline
from app.rules.terms import TermFault, extended, written


def _serve(course: Course, act: AssumedAct) -> Course:
    """Serve the request on a party: the terms that run from receipt start for it."""
    if act.by not in (None, "registry"):
        raise fault(course, "by", "another-capacity", "Only the registry records service.")
    party = party_of_capacity(course, "responding-party", named_party(course, act))
    if course.stage.final:
        raise refusal(course, "step-not-open", "The case is closed.")
    if not course.served:
        raise refusal(course, "step-not-open", "The request has not gone out to the other side yet.")
    if party.served_on is not None:
        raise refusal(course, "already-served", "The request is served on this party already.")
    course = replace(course, facts=with_party(course.facts, party.id, served_on=course.on))
    course = with_entry(course, Entry(course.on, "served", course.act, party=party.name))
    return deadlines.start_on_receipt(course, party)


def _extend(course: Course, act: AssumedAct) -> Course:
    """Give a term a later day; where the rule needs it, every party is assumed to agree."""
    if act.until_on is None:
        raise fault(course, "until_on", "missing", "Give the day until which the term is extended.")
    deadline = _deadline(course, act)
    term = deadline.term
    by = _capacity(course, act, term, (*term.extend_by, *(("any-party",) if term.extend_with_all else ())))
    _must_be(course, deadline, RUNNING)
    try:
        calendars = deadlines.calendars_of(course, term, deadline.party)
        later = extended(term, deadline.first_due_on, deadline.due_on, act.until_on, calendars)
    except TermFault as problem:
        detail = str(problem)
        raise refusal(course, "until-on", f"{detail[0].upper()}{detail[1:]}.", term.citation) from problem
    agreed = ", on the agreement of every party" if term.extend_with_all else ""
    line = f"Extended by the {by.replace('-', ' ')}{agreed}, on {written(course.on)}."
    changed = replace(deadline, due_on=later.due_on, explanation=(*deadline.explanation, line, *later.explanation))
    course = deadlines.change(course, deadline, changed, "deadline-extended")
    if term.extend_with_all:
        return with_assumption(course, "Every party agrees to an extension that needs it, on the same day.")
    return course


def _waive(course: Course, act: AssumedAct) -> Course:
    """Waive a term: it no longer runs, and its day has no effect."""
    deadline = _deadline(course, act)
    by = _capacity(course, act, deadline.term, deadline.term.waive_by)
    _must_be(course, deadline, RUNNING, SUSPENDED)
    line = f"Waived by the {by.replace('-', ' ')}, on {written(course.on)}: nothing follows from it."
    changed = replace(deadline, state=WAIVED, explanation=(*deadline.explanation, line))
    return deadlines.change(course, deadline, changed, "deadline-waived")


def _suspend(course: Course, act: AssumedAct) -> Course:
    """Suspend a term; it keeps the days that it has left."""
    deadline = _deadline(course, act)
    _capacity(course, act, deadline.term, deadline.term.suspend_by)
    _must_be(course, deadline, RUNNING)
    return deadlines.suspend(course, deadline)


def _resume(course: Course, act: AssumedAct) -> Course:
    """Resume a suspended term."""
    deadline = _deadline(course, act)
    _capacity(course, act, deadline.term, deadline.term.suspend_by)
    _must_be(course, deadline, SUSPENDED)
    return deadlines.resume(course, deadline)


OTHER_ACTS: Mapping[str, Callable[[Course, AssumedAct], Course]] = MappingProxyType(
    {"serve": _serve, "extend": _extend, "waive": _waive, "suspend": _suspend, "resume": _resume}
)


def _deadline(course: Course, act: AssumedAct) -> SimulatedDeadline:
    """The deadline of the term that the act names, for its party if it names one: the last that is not over."""
    if act.term is None:
        raise fault(course, "term", "missing", "Name the term.")
    if all(term.name != act.term for term in course.procedure.terms):
        names = ", ".join(term.name for term in course.procedure.terms) or "none"
        raise fault(course, "term", "unknown-term", f"The terms of these rules: {names}.")
    party = named_party(course, act)
    started = [
        deadline
        for deadline in course.deadlines
        if deadline.term.name == act.term and (party is None or deadline.party is None or deadline.party.id == party.id)
    ]
    if not started:
        raise refusal(course, "deadline-not-set", f"The term '{act.term}' was not started.")
    return next((deadline for deadline in reversed(started) if deadline.state not in OVER), started[-1])


def _capacity(course: Course, act: AssumedAct, term: Term, allowed: Collection[str]) -> str:
    """The capacity of the act; Refused if the rule of the term does not allow it."""
    by, party = act.by or next(iter(allowed), "registry"), named_party(course, act)
    if by == "any-party":
        by = party.capacity if party else "requesting-party"
    withdrawn = party is not None and party.capacity == by and party not in course.facts.remaining
    if withdrawn or not engine.acts_as(allowed, by):
        takers = " or ".join(capacity.replace("-", " ") for capacity in allowed) or "nobody"
        raise refusal(course, "not-your-capacity", f"'{term.name}' is for {takers} to {act.step}.", term.citation)
    return by


def _must_be(course: Course, deadline: SimulatedDeadline, *states: str) -> None:
    if deadline.state not in states:
        detail = f"The term is {deadline.state}; it must be {' or '.join(states)}."
        raise refusal(course, f"deadline-{deadline.state}", detail, deadline.term.citation)
