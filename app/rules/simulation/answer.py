"""The answer of a simulation: the state at its end, the open steps and the assumptions."""

from collections.abc import Iterable
from dataclasses import replace

from app.rules import engine
from app.rules.model import CAPACITIES, Facts, Holding, Procedure
from app.rules.silence import effects
from app.rules.simulation.course import Course, facts_of
from app.rules.simulation.timeline import OpenTo, Simulation


def answer(course: Course) -> Simulation:
    """The timeline of the course, and the state of the case on its last day."""
    facts = facts_of(course)
    return Simulation(
        course.entries,
        course.stage,
        course.outcome,
        facts.tracks,
        facts.parties,
        tuple(
            replace(deadline, silence=effects(course.procedure, deadline.term.name, facts.stage))
            for deadline in course.deadlines
        ),
        engine.waiting(course.procedure, facts, course.on),
        tuple(open_to for open_to in _open_to(course, facts) if open_to.steps),
        (*_assumptions(course.procedure), *course.assumed),
    )


def _open_to(course: Course, facts: Facts) -> Iterable[OpenTo]:
    parties = [(party.capacity, party) for party in facts.remaining]
    takers = {capacity for step in course.procedure.steps for capacity in step.by}
    others = [capacity for capacity in CAPACITIES if capacity in takers and not engine.is_party(capacity)]
    if course.mediator is None:
        others = [capacity for capacity in others if capacity != "mediator"]
    for capacity, party in (*parties, *((capacity, None) for capacity in others if capacity != "clock")):
        holding = Holding(capacity, party.id if party else None)
        steps = engine.open_steps(course.procedure, facts, (holding,), course.on)
        yield OpenTo(capacity, party.name if party else None, tuple(item.step for item in steps if item.available))


def _assumptions(procedure: Procedure) -> Iterable[str]:
    """The sentences that hold for every simulation under these rules."""
    checks = {name for step in procedure.steps for name in (*step.needs, *step.fails)}
    place = "institution" if procedure.zone == "institution" else "seat"
    yield f"Each act counts on its day at the {place}, and everybody concerned learns of it on that day."
    yield "The details that a step needs are given with it: consent, powers, reasons, grounds, hashes."
    if "contracting-states" in checks:
        yield "The convention is in force for every party that is a State."
    if "no-excluded-subject" in checks:
        yield "No declaration of a party excludes the subject of the dispute."
    if "third-states-consented" in checks:
        yield "Every third State that the dispute involves has consented."
    if any("appointing-authority" in step.by for step in procedure.steps):
        yield "The registry is also the appointing authority."
