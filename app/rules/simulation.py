"""A case that nobody has brought: from assumed parties and dated acts to the timeline that the rules give it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from uuid import UUID

from app.rules import engine
from app.rules.model import (
    CAPACITIES,
    CLOSED,
    OPEN,
    PAUSED,
    SET_PER_CASE,
    ActFact,
    AppointmentFact,
    Citation,
    Decision,
    Facts,
    Holding,
    PartyFact,
    Procedure,
    Reason,
    Refused,
    Stage,
    Step,
    Term,
    TermFact,
    TrackFact,
    Waiting,
)
from app.rules.silence import Silence, effects
from app.rules.terms import Calendar, TermFault, due, extended, remaining, resumed, told_left, written

RUNNING, PASSED, SUSPENDED, WAIVED, ENDED = "running", "passed", "suspended", "waived", "ended"
OFFICES = ("registry", "appointing-authority")
# Terms that start one another by the clock could go on for ever.
MOST_ENTRIES = 1000
_OVER = (WAIVED, ENDED)
_PRACTICE = Citation(None, "institution", None)
_DAY = timedelta(days=1)
# In force, and served upon nobody, long before anything that is simulated.
_LONG_AGO = date.min
# What a session or a text is acted on by; the rules ask nothing of either.
_ITEM = UUID(int=1 << 64)


class SimulationFault(ValueError):
    """Something that cannot be simulated: the number of the act (None: of none), its field, a code and a sentence."""

    def __init__(self, act: int | None, field: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.act = act
        self.field = field
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Assumed:
    """A party that is assumed."""

    name: str
    side: str
    kind: str = "state"


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars of the seat, of the institution, and of the parties in their order."""

    seat: Calendar
    institution: Calendar
    parties: tuple[Calendar, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """An act on a day: a step by its name, or `serve`, `extend`, `waive`, `suspend` or `resume`.

    `by` is a capacity and `party` the name of a party: the one that acts or, where no party does, the one that is
    meant. `due_on` and `ground` are what a step may be told, `settles` what a text that is frozen settles, `term` and
    `until_on` what is extended until when.
    """

    step: str
    on: date
    by: str | None = None
    party: str | None = None
    due_on: date | None = None
    ground: str | None = None
    settles: str = "whole"
    term: str | None = None
    until_on: date | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A term as it stands: `running`, `passed`, `suspended`, `waived` or `ended`, and what silence brings."""

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
    """One thing of the timeline; `act` is the number of the act from which it follows, None for what time brings.

    Its kind is `step`, `clock-step`, `served`, `refused`, or `deadline-` with what happened to the deadline.
    """

    on: date
    kind: str
    act: int | None
    taken: Taken | None = None
    deadline: Deadline | None = None
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
    """The timeline, and how everything stands at its end."""

    entries: tuple[Entry, ...]
    stage: Stage
    outcome: str | None
    tracks: tuple[TrackFact, ...]
    parties: tuple[PartyFact, ...]
    deadlines: tuple[Deadline, ...]
    waiting: tuple[Waiting, ...]
    open_steps: tuple[OpenTo, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Course:
    """How far the case has come; `act` is the number of the act that is looked at, None for the clock.

    `on_receipt` are the terms, and the steps that started them, that run for each party once it is served.
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
    deadlines: tuple[Deadline, ...] = ()
    entries: tuple[Entry, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def stage(self) -> Stage:
        """Where the case stands."""
        return self.procedure.stage(self.facts.stage)


def simulate(
    procedure: Procedure, parties: Sequence[Assumed], acts: Sequence[Act], calendars: Calendars, until: date
) -> Simulation:
    """What comes of these acts until the end of that day; what the rules refuse is told, and the rest goes on.

    Raises SimulationFault for an act, a party, a capacity or a term that is not known, for a field that the act does
    not take or lacks, for days that are not in their order, and for a timeline longer than MOST_ENTRIES.
    """
    course = _begin(procedure, parties, calendars, min([act.on for act in acts[:1]], default=until))
    for number, act in enumerate(acts):
        if act.on < course.on:
            raise SimulationFault(number, "on", "not-in-order", "The acts stand in the order of their days.")
        course = _let_pass(course, act.on)
        course = _let_pass(_act(replace(course, act=number), act), act.on)
    if until < course.on:
        raise SimulationFault(None, "until", "not-in-order", "The simulation ends on the day of the last act or later.")
    return _told(_let_pass(course, until))


def _begin(procedure: Procedure, parties: Sequence[Assumed], calendars: Calendars, on: date) -> _Course:
    known = tuple(
        PartyFact(UUID(int=number), party.side, party.kind, party.name, consented=False, in_force_on=_LONG_AGO)
        for number, party in enumerate(parties, 1)
    )
    return _Course(procedure, calendars, on, Facts(procedure.initial.name, frozenset(), None, known))


def _facts(course: _Course, subject: UUID | None = None) -> Facts:
    """What the rules are told, asked about one item."""
    terms = tuple(
        TermFact(
            one.term.name,
            one.due_on,
            one.state in _OVER,
            one.state == SUSPENDED,
            one.party.id if one.party else None,
        )
        for one in course.deadlines
    )
    return replace(course.facts, terms=terms, subject=subject)


# What time brings.


def _let_pass(course: _Course, until: date) -> _Course:
    """The days go by: terms pass, and on the day after their last the clock takes its steps, as the worker does."""
    course = _take_clock_steps(_note_passed(replace(course, act=None)))
    while (day := _next_day(course)) is not None and day <= until:
        course = _take_clock_steps(_note_passed(replace(course, on=day)))
    return replace(course, on=until)


def _next_day(course: _Course) -> date | None:
    days = [one.due_on + _DAY for one in course.deadlines if one.state == RUNNING]
    return min((day for day in days if day > course.on), default=None)


def _note_passed(course: _Course) -> _Course:
    for one in course.deadlines:
        if one.state == RUNNING and one.due_on < course.on:
            course = _change(course, one, replace(one, state=PASSED), "deadline-passed")
    return course


def _take_clock_steps(course: _Course) -> _Course:
    """The steps of the clock that are open, one after the other, until none changes where the case stands."""
    seen: set[Facts] = set()
    while any(one.state == PASSED for one in course.deadlines) and (place := _place(course)) not in seen:
        seen.add(place)
        course = _take_clock_step(course)
    return course


def _place(course: _Course) -> Facts:
    """Where the case stands, whatever was done to bring it there."""
    return replace(_facts(course), acts=())


def _take_clock_step(course: _Course) -> _Course:
    """The first step of the clock that is open, if any."""
    for step in course.procedure.steps:
        if "clock" in step.by and step.taken_through is None and course.stage.name in step.origin:
            act = Act(step.name, course.on, "clock")
            try:
                decision = engine.decide(course.procedure, _facts(course), step.name, (Holding("clock"),), course.on)
                return _apply(course, decision, act, None, "clock-step")
            except Refused:
                continue
    return course


# What people do.


def _act(course: _Course, act: Act) -> _Course:
    """The act as the rules let it be done, or their refusal."""
    try:
        if course.procedure.entries(act.step):
            return _take(course, act)
        if act.step in _DOINGS:
            return _DOINGS[act.step](course, act)
    except Refused as refused:
        # Nothing is left of the act, however far it came.
        told = Refused(refused.code, refused.detail, refused.reasons, course.facts.stage)
        return _tell(course, Entry(course.on, "refused", course.act, refused=told, party=act.party))
    known = ", ".join([*dict.fromkeys(step.name for step in course.procedure.steps), *_DOINGS])
    raise _fault(course, "step", "unknown-step", f"Choose one of: {known}.")


def _take(course: _Course, act: Act) -> _Course:
    party = _party(course, act)
    capacity = _capacity(course, act, party)
    if engine.is_party(capacity):
        party = _acting(course, capacity, party)
        capacity = party.capacity
    holdings = _holdings(course, act.step, capacity, party)
    entry = engine.entry_for(course.procedure, _facts(course), act.step, holdings)
    _check_fields(course, entry, act, party)
    if entry.taken_through == "consents" and course.stage.final:
        raise _refusal(course, "step-not-open", "The case is closed.")
    subject = _subject(course, entry, party)
    decision = engine.decide(course.procedure, _facts(course, subject), act.step, holdings, act.on)
    if act.step in ("resign", "replace-mediator") and _in_office(course) is None:
        raise _refusal(course, "appointment-state", "No mediator is in office.", entry.citation)
    return _appoint(_apply(course, decision, replace(act, by=capacity), party, "step"), act, subject)


def _party(course: _Course, act: Act) -> PartyFact | None:
    if act.party is None:
        return None
    for party in course.facts.parties:
        if party.name == act.party:
            return party
    raise _fault(course, "party", "unknown-party", "Name one of the parties.")


def _capacity(course: _Course, act: Act, party: PartyFact | None) -> str:
    """In which capacity the act is done: as it says, else as its party may do it, else the first that may."""
    if act.by is not None:
        if act.by not in CAPACITIES or act.by == "clock":
            known = ", ".join(capacity for capacity in CAPACITIES if capacity != "clock")
            raise _fault(course, "by", "unknown-capacity", f"Choose one of: {known}; the clock acts by itself.")
        return act.by
    entries = course.procedure.entries(act.step)
    here = [entry for entry in entries if course.facts.stage in entry.origin] or entries
    takers = [capacity for entry in here for capacity in entry.by if capacity != "clock"]
    if not takers:
        raise _fault(course, "step", "by-the-clock", "The clock takes this step by itself, once its term has passed.")
    if party is not None and engine.acts_as(takers, party.capacity):
        return party.capacity
    return takers[0]


def _acting(course: _Course, capacity: str, party: PartyFact | None) -> PartyFact:
    able = [one for one in course.facts.parties if engine.acts_as((capacity,), one.capacity)]
    if party is None and len(able) == 1:
        return able[0]
    if party is None:
        raise _fault(course, "party", "missing", "Several parties have this capacity: name the one that acts.")
    if party not in able:
        raise _fault(course, "party", "another-capacity", "The party that is named does not have this capacity.")
    return party


def _holdings(course: _Course, step: str, capacity: str, party: PartyFact | None) -> tuple[Holding, ...]:
    if capacity in OFFICES:
        return tuple(Holding(office) for office in OFFICES)
    if capacity == "mediator" and _in_office(course) is None:
        citation = course.procedure.entries(step)[0].citation
        raise _refusal(course, "not-your-capacity", "No mediator is in office.", citation)
    if engine.is_party(capacity) and party is not None:
        return (Holding(party.capacity, party.id),)
    return (Holding(capacity),)


def _check_fields(course: _Course, entry: Step, act: Act, party: PartyFact | None) -> None:
    if act.due_on is not None and not engine.takes_day(course.procedure, entry):
        raise _fault(course, "due_on", "no-term", f"'{entry.name}' starts no term whose day can be set.")
    if act.due_on is not None and act.due_on <= act.on:
        raise _fault(course, "due_on", "not-after", "The day must lie after the one on which the step counts.")
    if act.ground is not None and act.ground not in entry.grounds:
        known = ", ".join(entry.grounds) or "none"
        raise _fault(course, "ground", "ground", f"'{entry.name}' is taken on one of these grounds: {known}.")
    if party is None and (entry.each is not None or names_a_party(entry)):
        raise _fault(course, "party", "missing", f"'{entry.name}' is about a party: name it.")


def names_a_party(entry: Step) -> bool:
    """Whether the step makes something of a party by the act of somebody else, who must say of which."""
    return entry.participation is not None and not any(engine.is_party(capacity) for capacity in entry.by)


def _subject(course: _Course, entry: Step, party: PartyFact | None) -> UUID | None:
    """The item that is acted on: an appointment, the party whose consent is confirmed or that signs, a text."""
    if entry.name == "confirm-mediator":
        return next((one.id for one in reversed(course.facts.appointments) if one.state == "declared"), None)
    if entry.taken_through in ("sessions", "settlement/drafts"):
        return _ITEM
    for_party = entry.taken_through == "settlement/signatures" or not any(map(engine.is_party, entry.by))
    return party.id if party is not None and entry.each is not None and for_party else None


def _in_office(course: _Course) -> AppointmentFact | None:
    return next((one for one in reversed(course.facts.appointments) if one.state == "confirmed"), None)


def _appoint(course: _Course, act: Act, subject: UUID | None) -> _Course:
    """What the step does to the appointments: a nominee is taken to be independent, and accepted by all."""
    appointments = course.facts.appointments
    if act.step == "nominate":
        all_of_them = frozenset(party.id for party in course.facts.remaining)
        course = replace(course, nominations=course.nominations + 1)
        appointments += (AppointmentFact(UUID(int=1000 + course.nominations), "declared", True, all_of_them),)
        course = _assume(
            course, "Whoever is nominated declares independence, and every party accepts, on the same day."
        )
    elif act.step == "confirm-mediator":
        # The case has its mediator: the other nominations are moot.
        confirmed = (replace(one, state="confirmed") for one in appointments if one.id == subject)
        appointments = (*(one for one in appointments if one.state == "confirmed"), *confirmed)
    elif act.step in ("resign", "replace-mediator"):
        gone = _in_office(course)
        appointments = tuple(one for one in appointments if one != gone)
    return replace(course, facts=replace(course.facts, appointments=appointments))


# What a step does.


def _apply(course: _Course, decision: Decision, act: Act, party: PartyFact | None, kind: str) -> _Course:
    """The act, the case, its tracks and parties, and its terms, as the decision leaves them."""
    step, before = decision.step, course.facts.stage
    course = _move(course, decision, act, party)
    taken = Taken(
        step,
        act.by or "",
        _name(course, decision.party_id) or (party.name if party else None),
        before,
        course.facts.stage,
        course.stage.phase,
        course.outcome,
        decision.completes,
        course.procedure.ground(act.ground).citation if act.ground is not None else step.citation,
    )
    course = _tell(course, Entry(course.on, kind, course.act, taken=taken))
    if not decision.completes:
        return course
    course = _await_receipt(_start_terms(course, step, act), step)
    for one in course.deadlines:
        course = _follow(course, one, step)
    final = course.stage.final
    for one in sorted(course.deadlines, key=lambda one: one.due_on):
        if one.state not in _OVER and (final or one.term.name in step.ends):
            course = _change(course, one, replace(one, state=ENDED), "deadline-ended")
    return _close(course) if final else course


def _move(course: _Course, decision: Decision, act: Act, party: PartyFact | None) -> _Course:
    step, facts = decision.step, course.facts
    acts = (*(one for one in facts.acts if one.step not in step.voids), ActFact(step.name, decision.party_id))
    facts = replace(facts, acts=acts, lodged_on=course.on if step.lodges else facts.lodged_on)
    if "consent" in step.fields or step.taken_through == "consents":
        facts = _with_party(facts, decision.party_id, consented=True)
    if step.name == "freeze-text":
        facts = replace(facts, settles=act.settles)
    course = replace(course, served=course.served or step.serves)
    if decision.completes:
        changed = decision.party_id or (party.id if party else None)
        if step.participation is not None:
            facts = _with_party(facts, changed, participation=step.participation)
        facts = replace(facts, stage=decision.stage, tracks=_tracks(course.procedure, facts, step, decision.stage))
        course = replace(course, outcome=decision.outcome)
    return replace(course, facts=facts)


def _with_party(facts: Facts, party_id: UUID | None, **changes: object) -> Facts:
    parties = tuple(
        replace(party, **changes) if party.id == party_id else party  # type: ignore[arg-type]
        for party in facts.parties
    )
    return replace(facts, parties=parties)


def _tracks(procedure: Procedure, facts: Facts, step: Step, stage: str) -> tuple[TrackFact, ...]:
    """The tracks that run beside the stages, where the step leaves them; a closed case has none open."""
    states = {
        **{track.name: track.state for track in facts.tracks},
        **dict.fromkeys((*step.opens, *step.reopens), OPEN),
        **dict.fromkeys(step.pauses, PAUSED),
        **dict.fromkeys(step.closes, CLOSED),
    }
    if procedure.stage(stage).final:
        states = dict.fromkeys(states, CLOSED)
    return tuple(TrackFact(name, state) for name, state in sorted(states.items()))


def _close(course: _Course) -> _Course:
    """A closed case seeks no mediator."""
    confirmed = tuple(one for one in course.facts.appointments if one.state == "confirmed")
    return replace(course, facts=replace(course.facts, appointments=confirmed))


# Terms.


def _start_terms(course: _Course, step: Step, act: Act) -> _Course:
    """What counts from receipt starts for the parties that are served already, and for the others once they are."""
    for term in map(course.procedure.term, step.starts):
        if term.runs_from == "receipt":
            for party in course.facts.parties:
                if party.served_on is not None:
                    course = _set(course, step.name, term, party.served_on, None, party)
        else:
            set_on = act.due_on if term.settable or term.period == SET_PER_CASE else None
            if term.period != SET_PER_CASE or set_on is not None:
                course = _set(course, step.name, term, course.on, set_on, None)
    return course


def _await_receipt(course: _Course, step: Step) -> _Course:
    """What starts for a party that is served from now on: not what this step ends, nor what a voided step started."""
    kept = [one for one in course.on_receipt if one[0] not in step.voids]
    begun = [(step.name, name) for name in step.starts if course.procedure.term(name).runs_from == "receipt"]
    return replace(course, on_receipt=tuple(one for one in dict.fromkeys((*kept, *begun)) if one[1] not in step.ends))


def _set(
    course: _Course, step: str, term: Term, trigger_on: date, set_on: date | None, receiver: PartyFact | None
) -> _Course:
    try:
        worked = due(term, step, trigger_on, set_on, _calendars(course, term), receiver.name if receiver else None)
    except TermFault as fault:
        detail = f"No day can be found for the term: {fault}."
        raise _refusal(course, "no-day", detail, term.citation) from fault
    deadline = Deadline(
        term,
        receiver,
        step,
        trigger_on,
        worked.due_on,
        worked.due_on,
        RUNNING,
        worked.explanation,
        effects(course.procedure, term.name, course.facts.stage),
    )
    course = replace(course, deadlines=(*course.deadlines, deadline))
    return _tell(course, Entry(course.on, "deadline-set", course.act, deadline=deadline))


def _calendars(course: _Course, term: Term) -> tuple[Calendar, ...]:
    """The calendars that the term names, each once."""
    found: dict[str, Calendar] = {}
    if "seat" in term.calendars:
        found[course.calendars.seat.name] = course.calendars.seat
    if "parties" in term.calendars:
        for calendar in course.calendars.parties:
            found.setdefault(calendar.name, calendar)
    if "institution" in term.calendars:
        found[course.calendars.institution.name] = course.calendars.institution
    return tuple(found.values())


def _follow(course: _Course, one: Deadline, step: Step) -> _Course:
    """A step suspends and resumes terms; one that has passed is beyond both."""
    if one.term.name in step.suspends and one.state == RUNNING:
        return _suspended(course, one)
    if one.term.name in step.resumes and one.state == SUSPENDED:
        return _resumed(course, one)
    return course


def _suspended(course: _Course, one: Deadline) -> _Course:
    left = remaining(one.term, course.on, one.due_on, _calendars(course, one.term))
    told = f"Suspended: on {written(course.on)}, with {told_left(one.term, left)} left."
    later = replace(one, state=SUSPENDED, days_left=left, explanation=(*one.explanation, told))
    return _change(course, one, later, "deadline-suspended")


def _resumed(course: _Course, one: Deadline) -> _Course:
    again = resumed(one.term, course.on, one.days_left or 0, _calendars(course, one.term))
    explanation = (*one.explanation, *again.explanation)
    # What bounds all extensions moves with the term: a pause is nobody's extension.
    first = one.first_due_on + (again.due_on - one.due_on)
    later = replace(
        one, state=RUNNING, first_due_on=first, due_on=again.due_on, days_left=None, explanation=explanation
    )
    return _change(course, one, later, "deadline-resumed")


def _change(course: _Course, one: Deadline, later: Deadline, kind: str) -> _Course:
    later = replace(later, silence=effects(course.procedure, one.term.name, course.facts.stage))
    deadlines = tuple(later if other is one else other for other in course.deadlines)
    return _tell(replace(course, deadlines=deadlines), Entry(course.on, kind, course.act, deadline=later))


# What is done beside the steps.


def _serve(course: _Course, act: Act) -> _Course:
    """The request is received by a party: for it, what counts from receipt begins."""
    if act.by not in (None, "registry"):
        raise _fault(course, "by", "another-capacity", "The registry records service.")
    party = _acting(course, "responding-party", _party(course, act))
    if course.stage.final:
        raise _refusal(course, "step-not-open", "The case is closed.")
    if not course.served:
        raise _refusal(course, "step-not-open", "The request has not gone out to the other side yet.")
    if party.served_on is not None:
        raise _refusal(course, "already-served", "The request is served on this party already.")
    course = replace(course, facts=_with_party(course.facts, party.id, served_on=course.on))
    course = _tell(course, Entry(course.on, "served", course.act, party=party.name))
    for step, term in course.on_receipt:
        course = _set(course, step, course.procedure.term(term), course.on, None, party)
    return course


def _extend(course: _Course, act: Act) -> _Course:
    """A later day, on the agreement of every party where the rule asks for it."""
    if act.until_on is None:
        raise _fault(course, "until_on", "missing", "Say until which day the term is extended.")
    one = _deadline(course, act)
    term = one.term
    by = _may(course, act, term, (*term.extend_by, *(("any-party",) if term.extend_with_all else ())))
    _must_be(course, one, RUNNING)
    try:
        later = extended(term, one.first_due_on, one.due_on, act.until_on, _calendars(course, term))
    except TermFault as fault:
        raise _refusal(course, "until-on", f"{str(fault)[0].upper()}{str(fault)[1:]}.", term.citation) from fault
    agreed = ", on the agreement of every party" if term.extend_with_all else ""
    told = f"Extended by the {by.replace('-', ' ')}{agreed}, on {written(course.on)}."
    explanation = (*one.explanation, told, *later.explanation)
    course = _change(course, one, replace(one, due_on=later.due_on, explanation=explanation), "deadline-extended")
    if term.extend_with_all:
        return _assume(course, "Every party agrees to an extension that needs it, on the same day.")
    return course


def _waive(course: _Course, act: Act) -> _Course:
    """The term runs no longer, and nothing follows from its day."""
    one = _deadline(course, act)
    by = _may(course, act, one.term, one.term.waive_by)
    _must_be(course, one, RUNNING, SUSPENDED)
    told = f"Waived by the {by.replace('-', ' ')}, on {written(course.on)}: nothing follows from it."
    return _change(course, one, replace(one, state=WAIVED, explanation=(*one.explanation, told)), "deadline-waived")


def _suspend(course: _Course, act: Act) -> _Course:
    """The term stops, and keeps the days that it has left."""
    one = _deadline(course, act)
    _may(course, act, one.term, one.term.suspend_by)
    _must_be(course, one, RUNNING)
    return _suspended(course, one)


def _resume(course: _Course, act: Act) -> _Course:
    """A suspended term runs again."""
    one = _deadline(course, act)
    _may(course, act, one.term, one.term.suspend_by)
    _must_be(course, one, SUSPENDED)
    return _resumed(course, one)


_DOINGS: Mapping[str, Callable[[_Course, Act], _Course]] = MappingProxyType(
    {"serve": _serve, "extend": _extend, "waive": _waive, "suspend": _suspend, "resume": _resume}
)


def _deadline(course: _Course, act: Act) -> Deadline:
    """The deadline that is meant: of that term, for the party if one is named, the last that is not over."""
    if act.term is None:
        raise _fault(course, "term", "missing", "Name the term that is meant.")
    if all(term.name != act.term for term in course.procedure.terms):
        known = ", ".join(term.name for term in course.procedure.terms) or "none"
        raise _fault(course, "term", "unknown-term", f"The terms of these rules: {known}.")
    named = _party(course, act)
    found = [one for one in course.deadlines if one.term.name == act.term]
    found = [one for one in found if named is None or one.party is None or one.party.id == named.id]
    if not found:
        raise _refusal(course, "deadline-not-set", f"The term '{act.term}' was not started.")
    return next((one for one in reversed(found) if one.state not in _OVER), found[-1])


def _may(course: _Course, act: Act, term: Term, allowed: Collection[str]) -> str:
    """In which capacity it is done; Refused if the rule of the term does not allow it."""
    by, party = act.by or next(iter(allowed), "registry"), _party(course, act)
    if by == "any-party":
        by = party.capacity if party else "requesting-party"
    gone = party is not None and party.capacity == by and party not in course.facts.remaining
    if gone or not engine.acts_as(allowed, by):
        who = " or ".join(capacity.replace("-", " ") for capacity in allowed) or "nobody"
        raise _refusal(course, "not-your-capacity", f"'{term.name}' is for {who} to {act.step}.", term.citation)
    return by


def _must_be(course: _Course, one: Deadline, *states: str) -> None:
    if one.state not in states:
        detail = f"The term is {one.state}; it must be {' or '.join(states)}."
        raise _refusal(course, f"deadline-{one.state}", detail, one.term.citation)


# What is told.


def _tell(course: _Course, entry: Entry) -> _Course:
    if len(course.entries) == MOST_ENTRIES:
        detail = f"More than {MOST_ENTRIES} things happen until then: end the simulation earlier."
        raise SimulationFault(None, "until", "too-long", detail)
    return replace(course, entries=(*course.entries, entry))


def _assume(course: _Course, sentence: str) -> _Course:
    return course if sentence in course.assumed else replace(course, assumed=(*course.assumed, sentence))


def _fault(course: _Course, field: str, code: str, detail: str) -> SimulationFault:
    return SimulationFault(course.act, field, code, detail)


def _refusal(course: _Course, code: str, detail: str, citation: Citation = _PRACTICE) -> Refused:
    return Refused(code, detail, (Reason(code, detail, citation),), course.facts.stage)


def _name(course: _Course, party_id: UUID | None) -> str | None:
    return next((party.name for party in course.facts.parties if party.id == party_id), None)


def _told(course: _Course) -> Simulation:
    facts = _facts(course)
    return Simulation(
        course.entries,
        course.stage,
        course.outcome,
        facts.tracks,
        facts.parties,
        tuple(replace(one, silence=effects(course.procedure, one.term.name, facts.stage)) for one in course.deadlines),
        engine.waiting(course.procedure, facts, course.on),
        tuple(one for one in _open_to(course, facts) if one.steps),
        (*_always_assumed(course.procedure), *course.assumed),
    )


def _open_to(course: _Course, facts: Facts) -> Iterable[OpenTo]:
    holders = [(party.capacity, party) for party in facts.remaining]
    known = {capacity for step in course.procedure.steps for capacity in step.by}
    others = [capacity for capacity in CAPACITIES if capacity in known and not engine.is_party(capacity)]
    if _in_office(course) is None:
        others = [capacity for capacity in others if capacity != "mediator"]
    for capacity, party in (*holders, *((capacity, None) for capacity in others if capacity != "clock")):
        holding = Holding(capacity, party.id if party else None)
        found = engine.open_steps(course.procedure, facts, (holding,), course.on)
        yield OpenTo(capacity, party.name if party else None, tuple(one.step for one in found if one.available))


def _always_assumed(procedure: Procedure) -> Iterable[str]:
    asked = {name for step in procedure.steps for name in (*step.needs, *step.fails)}
    place = "institution" if procedure.zone == "institution" else "seat"
    yield f"Each act counts on its day at the {place}, and is told to all whom it concerns on that day."
    yield "What a step asks of its form is given with it: consent, powers, reasons, grounds, hashes."
    if "contracting-states" in asked:
        yield "The convention is in force for every party that is a State."
    if "no-excluded-subject" in asked:
        yield "No declaration of a party excludes the subject of the dispute."
    if "third-states-consented" in asked:
        yield "Every third State that the dispute involves has consented."
    if any("appointing-authority" in step.by for step in procedure.steps):
        yield "The registry is also the appointing authority."
