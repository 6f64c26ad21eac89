"""How a refusal is put into words: the code, a plain sentence, the rule that it rests on, and the cure."""

from collections.abc import Sequence
from datetime import date

from app.rules.checks import Finding
from app.rules.model import Facts, Procedure, Reason, Step


def not_your_capacity(entries: Sequence[Step]) -> Reason:
    """Nobody of the actor's capacities takes this step: says who may."""
    takers = list(dict.fromkeys(taker for entry in entries for taker in _takers(entry)))
    return Reason(
        "not-your-capacity",
        f"'{entries[0].name}' is for {_either(takers)} to take.",
        entries[0].citation,
    )


def not_for_that_party(entry: Step, each: str) -> Reason:
    """The party for which the step would be taken is not one of those that take it, all of the capacity `each`."""
    return Reason(
        "not-your-capacity",
        f"'{entry.name}' is taken for {_with_article(each, every=True)}, and not for the party that was named.",
        entry.citation,
    )


def step_not_open(procedure: Procedure, entry: Step, stage: str) -> Reason:
    """The case stands at another stage: says from which ones the step is open, and which step leads there."""
    stages = _either([f"'{name}'" for name in entry.origin])
    leading = [
        step for step in procedure.steps if step.to in entry.origin and stage in step.origin and step.to != stage
    ]
    requests = list(dict.fromkeys(f"'{step.name}' ({_request(step)})" for step in leading))
    return Reason(
        "step-not-open",
        f"'{entry.name}' is open from {stages}; the case stands at '{stage}'.",
        entry.citation,
        f"First comes {_either(requests)}." if requests else None,
    )


def already_taken(entry: Step, facts: Facts, party_id: object) -> Reason:
    """That party has taken the step; what is awaited is the act of the others."""
    names = [party.name for party in facts.parties if party.id == party_id]
    who = names[0] if names else "Every party that takes it"
    return Reason("already-taken", f"{who} has taken '{entry.name}' already.", entry.citation)


def term_not_passed(
    procedure: Procedure, entry: Step, term: str, due_on: date | None, *, suspended: bool = False
) -> Reason:
    """The step waits for a term to pass, which still runs, is suspended, or does not run at all."""
    title = procedure.term(term).title
    if suspended:
        detail = f"'{entry.name}' is open only after the term '{title}', which is suspended."
        return Reason("term-not-passed", detail, entry.citation, "The term is resumed, and then passes.")
    if due_on is None:
        detail = f"'{entry.name}' is open only after the term '{title}', which is not running."
        return Reason("term-not-passed", detail, entry.citation)
    return Reason(
        "term-not-passed",
        f"'{entry.name}' is open only after the term '{title}', which runs until the end of {due_on.isoformat()}.",
        entry.citation,
        f"Wait until {due_on.isoformat()} has passed at the seat.",
    )


def need_not_met(procedure: Procedure, name: str, finding: Finding) -> Reason:
    """A need of the step does not hold; its code is the check's name."""
    return Reason(name, finding.detail, procedure.check(name).citation, finding.cure)


def track_in_another_state(
    procedure: Procedure, entry: Step, name: str, state: str | None, wanted: Sequence[str | None]
) -> Reason:
    """The step belongs to a track that is not in the state which it asks for: says which step brings it there."""
    title, told = procedure.track(name).title, state or "not open"
    leading = [
        step.name
        for step in procedure.steps
        for names, state_after in ((step.opens, "open"), (step.reopens, "open"), (step.pauses, "paused"))
        if name in names and state_after in wanted
    ]
    cure = f"First comes {_either([f'{one!r}' for one in dict.fromkeys(leading)])}." if leading else None
    detail = f"'{entry.name}' belongs to the proceedings '{title}', which are {told}."
    return Reason("track-state", detail, procedure.track(name).citation, cure)


def no_gate_fails(entry: Step) -> Reason:
    """The step is open only while one of its gates fails, and none does."""
    gates = ", ".join(entry.fails)
    detail = f"'{entry.name}' is open only while one of these gates fails, and each of them holds: {gates}."
    return Reason("a-gate-fails", detail, entry.citation)


def _takers(entry: Step) -> list[str]:
    return [_with_article(capacity, every=entry.each == capacity) for capacity in entry.by]


def _with_article(capacity: str, *, every: bool) -> str:
    words = capacity.replace("-", " ")
    if capacity == "any-party":
        return "each party" if every else words
    return f"{'each' if every else 'the'} {words}"


def _request(step: Step) -> str:
    if step.taken_through is not None:
        return f"through /v1/cases/{{case}}/{step.taken_through}"
    return f"POST /v1/cases/{{case}}/steps/{step.name}"


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
