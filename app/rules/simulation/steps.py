"""The steps of a simulated case: who takes one, and what it changes."""

from dataclasses import replace
from uuid import UUID

from app.rules import engine
from app.rules.fields import StepInput, faults_in_fields, names_a_party
from app.rules.model import (
    CAPACITIES,
    CLOSED,
    OPEN,
    PAUSED,
    ActFact,
    AppointmentFact,
    Decision,
    Facts,
    Holding,
    PartyFact,
    Procedure,
    Step,
    TrackFact,
)
from app.rules.simulation import deadlines
from app.rules.simulation.assumed import AssumedAct
from app.rules.simulation.course import Course, facts_of, fault, refusal, with_assumption, with_entry
from app.rules.simulation.parties import named_party, party_of_capacity, with_party
from app.rules.simulation.timeline import Entry, Taken

OFFICES = ("registry", "appointing-authority")
# The subject of an act on a session or a text; the rules ask nothing about either.
_ITEM = UUID(int=1 << 64)


def take_step(course: Course, act: AssumedAct) -> Course:
    """Take a step of the rule set.

    Raises Refused as the engine does, and SimulationFault for a capacity, party or field that the step does not take
    or lacks.
    """
    party = named_party(course, act)
    capacity = _capacity(course, act, party)
    if engine.is_party(capacity):
        party = party_of_capacity(course, capacity, party)
        capacity = party.capacity
    holdings = _holdings(course, act.step, capacity, party)
    entry = engine.entry_for(course.procedure, facts_of(course), act.step, holdings)
    _check_fields(course, entry, act, party)
    if entry.taken_through == "consents" and course.stage.final:
        raise refusal(course, "step-not-open", "The case is closed.")
    subject = _subject(course, entry, party)
    decision = engine.decide(course.procedure, facts_of(course, subject), act.step, holdings, act.on)
    if act.step in ("resign", "replace-mediator") and course.mediator is None:
        raise refusal(
            course,
            "appointment-state",
            "No mediator is in office. Have one confirmed first, by the step 'confirm-mediator'.",
            entry.citation,
        )
    return _change_appointments(apply(course, decision, replace(act, by=capacity), party, "step"), act, subject)


def _capacity(course: Course, act: AssumedAct, party: PartyFact | None) -> str:
    """The capacity of the act: the one it states, else its party's if that may act, else the first that may act."""
    if act.by is not None:
        if act.by not in CAPACITIES or act.by == "clock":
            choices = ", ".join(capacity for capacity in CAPACITIES if capacity != "clock")
            raise fault(course, "by", "unknown-capacity", f"Choose one of: {choices}; the clock acts by itself.")
        return act.by
    entries = course.procedure.entries(act.step)
    here = [entry for entry in entries if course.facts.stage in entry.origin] or entries
    takers = [capacity for entry in here for capacity in entry.by if capacity != "clock"]
    if not takers:
        raise fault(course, "step", "by-the-clock", "The clock takes this step by itself, once its term has passed.")
    if party is not None and engine.acts_as(takers, party.capacity):
        return party.capacity
    return takers[0]


def _holdings(course: Course, step: str, capacity: str, party: PartyFact | None) -> tuple[Holding, ...]:
    if capacity in OFFICES:
        return tuple(Holding(office) for office in OFFICES)
    if capacity == "mediator" and course.mediator is None:
        citation = course.procedure.entries(step)[0].citation
        raise refusal(course, "not-your-capacity", "No mediator is in office.", citation)
    if engine.is_party(capacity) and party is not None:
        return (Holding(party.capacity, party.id),)
    return (Holding(capacity),)


def _check_fields(course: Course, entry: Step, act: AssumedAct, party: PartyFact | None) -> None:
    # An act states no reason, consent or powers, and may leave out its ground: they are assumed to be given.
    fields = StepInput(
        due_on=act.due_on,
        has_reason=True,
        ground=act.ground if act.ground is not None else next(iter(entry.grounds), None),
        names_party=party is not None and names_a_party(entry),
        blocks=frozenset(entry.fields),
    )
    for field_fault in faults_in_fields(course.procedure, entry, fields, act.on):
        field = field_fault.pointer.rpartition("/")[2].removesuffix("_id")
        raise fault(course, field, field_fault.code, field_fault.message)
    if party is None and entry.each is not None:
        raise fault(course, "party", "missing", f"'{entry.name}' is about a party: name it.")


def _subject(course: Course, entry: Step, party: PartyFact | None) -> UUID | None:
    """The item that is acted on: an appointment, the party whose consent is confirmed or that signs, a text."""
    if entry.name == "confirm-mediator":
        return next((item.id for item in reversed(course.facts.appointments) if item.state == "declared"), None)
    if entry.taken_through in ("sessions", "settlement/drafts"):
        return _ITEM
    for_party = entry.taken_through == "settlement/signatures" or not any(map(engine.is_party, entry.by))
    return party.id if party is not None and entry.each is not None and for_party else None


def _change_appointments(course: Course, act: AssumedAct, subject: UUID | None) -> Course:
    """The appointments after the step: a nominee is assumed to be independent, and accepted by every party."""
    appointments = course.facts.appointments
    if act.step == "nominate":
        parties = frozenset(party.id for party in course.facts.remaining)
        course = replace(course, nominations=course.nominations + 1)
        appointments += (AppointmentFact(UUID(int=1000 + course.nominations), "declared", True, parties),)
        course = with_assumption(
            course, "A nominee declares independence, and every party accepts the nominee, on the same day."
        )
    elif act.step == "confirm-mediator":
        # The case has its mediator: the other nominations are moot.
        confirmed = (replace(item, state="confirmed") for item in appointments if item.id == subject)
        appointments = (*(item for item in appointments if item.state == "confirmed"), *confirmed)
    elif act.step in ("resign", "replace-mediator"):
        mediator = course.mediator
        appointments = tuple(item for item in appointments if item != mediator)
    return replace(course, facts=replace(course.facts, appointments=appointments))


def apply(course: Course, decision: Decision, act: AssumedAct, party: PartyFact | None, kind: str) -> Course:
    """Change the case, its tracks, parties and terms as the decision says, with an entry of that kind."""
    step, before = decision.step, course.facts.stage
    course = _move(course, decision, act, party)
    taken = Taken(
        step,
        act.by or "",
        course.name_of(decision.party_id) or (party.name if party else None),
        before,
        course.facts.stage,
        course.stage.phase,
        course.outcome,
        decision.completes,
        course.procedure.ground(act.ground).citation if act.ground is not None else step.citation,
    )
    course = with_entry(course, Entry(course.on, kind, course.act, taken=taken))
    if not decision.completes:
        return course
    course = deadlines.await_receipt(deadlines.start_terms(course, step, act), step)
    course = deadlines.follow_step(course, step)
    final = course.stage.final
    course = deadlines.end_terms(course, [term.name for term in course.procedure.terms] if final else step.ends)
    return _without_nominations(course) if final else course


def _move(course: Course, decision: Decision, act: AssumedAct, party: PartyFact | None) -> Course:
    step, facts = decision.step, course.facts
    kept = (fact for fact in facts.acts if fact.step not in step.voids)
    facts = replace(
        facts,
        acts=(*kept, ActFact(step.name, decision.party_id)),
        lodged_on=course.on if step.lodges else facts.lodged_on,
    )
    if "consent" in step.fields or step.taken_through == "consents":
        facts = with_party(facts, decision.party_id, consented=True)
    if step.name == "freeze-text":
        facts = replace(facts, settles=act.settles)
    course = replace(course, served=course.served or step.serves)
    if decision.completes:
        changed_id = decision.party_id or (party.id if party else None)
        if step.participation is not None:
            facts = with_party(facts, changed_id, participation=step.participation)
        facts = replace(facts, stage=decision.stage, tracks=_tracks(course.procedure, facts, step, decision.stage))
        course = replace(course, outcome=decision.outcome)
    return replace(course, facts=facts)


def _tracks(procedure: Procedure, facts: Facts, step: Step, stage: str) -> tuple[TrackFact, ...]:
    """The tracks after the step; in a final stage every track is closed."""
    states = {
        **{track.name: track.state for track in facts.tracks},
        **dict.fromkeys((*step.opens, *step.reopens), OPEN),
        **dict.fromkeys(step.pauses, PAUSED),
        **dict.fromkeys(step.closes, CLOSED),
    }
    if procedure.stage(stage).final:
        states = dict.fromkeys(states, CLOSED)
    return tuple(TrackFact(name, state) for name, state in sorted(states.items()))


def _without_nominations(course: Course) -> Course:
    """A closed case seeks no mediator."""
    confirmed = tuple(item for item in course.facts.appointments if item.state == "confirmed")
    return replace(course, facts=replace(course.facts, appointments=confirmed))
