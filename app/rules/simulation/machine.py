"""The course of a simulated case: acts are done and days go by, in order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from app.rules import engine
from app.rules.model import Facts, Holding, Procedure, Refused
from app.rules.simulation import deadlines
from app.rules.simulation.answer import answer
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars, SimulationFault
from app.rules.simulation.course import Course, begin, facts_of, fault, with_entry
from app.rules.simulation.other_acts import OTHER_ACTS
from app.rules.simulation.receipts import counted_by_office_hours
from app.rules.simulation.steps import apply, take_step
from app.rules.simulation.timeline import PASSED, RUNNING, Entry, Simulation

_DAY = timedelta(days=1)


def simulate(
    procedure: Procedure, parties: Sequence[AssumedParty], acts: Sequence[AssumedAct], calendars: Calendars, until: date
) -> Simulation:
    """Play the acts and the time until the end of a day; an act that the rules refuse only adds an entry.

    Raises SimulationFault for an unknown act, party, capacity or term, for a field that the act does not take or
    lacks, for days that are not in order, and for a timeline of more than MOST_ENTRIES.
    """
    counted = [counted_by_office_hours(procedure, calendars, index, act) for index, act in enumerate(acts)]
    course = begin(procedure, parties, calendars, min([act.on for act in counted[:1]], default=until))
    for index, act in enumerate(counted):
        if act.on < course.on:
            detail = "Give the acts in the order of the days on which they count."
            raise SimulationFault(index, "on", "not-in-order", detail)
        course = _let_pass(course, act.on)
        course = _let_pass(_do(replace(course, act=index), act), act.on)
    if until < course.on:
        raise SimulationFault(None, "until", "not-in-order", "Give the day of the last act, or a later one.")
    return answer(_let_pass(course, until))


def _let_pass(course: Course, until: date) -> Course:
    """Let the days go by: terms pass, and on the day after their last the clock takes its steps, as the worker does."""
    course = _take_clock_steps(_note_passed(replace(course, act=None)))
    while (day := _next_day(course)) is not None and day <= until:
        course = _take_clock_steps(_note_passed(replace(course, on=day)))
    return replace(course, on=until)


def _next_day(course: Course) -> date | None:
    days = [deadline.due_on + _DAY for deadline in course.deadlines if deadline.state == RUNNING]
    return min((day for day in days if day > course.on), default=None)


def _note_passed(course: Course) -> Course:
    for deadline in course.deadlines:
        if deadline.state == RUNNING and deadline.due_on < course.on:
            course = deadlines.change(course, deadline, replace(deadline, state=PASSED), "deadline-passed")
    return course


def _take_clock_steps(course: Course) -> Course:
    """Take the open steps of the clock, one after the other, until the case stands where it has stood before."""
    seen: set[Facts] = set()
    while any(deadline.state == PASSED for deadline in course.deadlines) and (facts := _standing(course)) not in seen:
        seen.add(facts)
        course = _take_clock_step(course)
    return course


def _standing(course: Course) -> Facts:
    """Where the case stands, without the acts that led there."""
    return replace(facts_of(course), acts=())


def _take_clock_step(course: Course) -> Course:
    """Take the first step of the clock that is open, if any."""
    for step in course.procedure.steps:
        if "clock" in step.by and step.taken_through is None and course.stage.name in step.origin:
            act = AssumedAct(step.name, course.on, "clock")
            try:
                decision = engine.decide(course.procedure, facts_of(course), step.name, (Holding("clock"),), course.on)
                return apply(course, decision, act, None, "clock-step")
            except Refused:
                continue
    return course


def _do(course: Course, act: AssumedAct) -> Course:
    """The course after the act, or after an entry with its refusal."""
    try:
        if course.procedure.entries(act.step):
            return take_step(course, act)
        if act.step in OTHER_ACTS:
            return OTHER_ACTS[act.step](course, act)
    except Refused as problem:
        # The act may have come some way before it was refused; nothing of it is kept.
        refused = Refused(problem.code, problem.detail, problem.reasons, course.facts.stage)
        return with_entry(course, Entry(course.on, "refused", course.act, refused=refused, party=act.party))
    choices = ", ".join([*dict.fromkeys(step.name for step in course.procedure.steps), *OTHER_ACTS])
    raise fault(course, "step", "unknown-step", f"Choose one of: {choices}.")
