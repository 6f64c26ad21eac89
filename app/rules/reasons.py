"""The reasons of a refusal: the code, a sentence, the rule that it rests on, and the cure."""

from collections.abc import Sequence
from datetime import date

from app.rules.checks import Finding
from app.rules.model import Facts, Procedure, Reason, Step


def not_your_capacity(entries: Sequence[Step]) -> Reason:
    """None of the actor's capacities may take the step; names those that may."""
    takers = list(dict.fromkeys(taker for entry in entries for taker in _takers(entry)))
    return Reason(
        "not-your-capacity",
        f"Only {_either(takers)} may take '{entries[0].name}'.",
        entries[0].citation,
    )


def not_for_that_party(entry: Step, each: str) -> Reason:
    """The named party is not one of those for which the step is taken, all of the capacity `each`."""
    return Reason(
        "not-your-capacity",
        f"'{entry.name}' is taken for {_each(each)}; the named party is not one of them.",
        entry.citation,
    )


def step_not_open(procedure: Procedure, entry: Step, stage: str) -> Reason:
    """The case stands at another stage; names those at which the step is open, and the step that leads there."""
    stages = _either([f"'{name}'" for name in entry.origin])
    leading = [
        step for step in procedure.steps if step.to in entry.origin and stage in step.origin and step.to != stage
    ]
    requests = list(dict.fromkeys(f"'{step.name}' ({_request(step)})" for step in leading))
    return Reason(
        "step-not-open",
        f"'{entry.name}' is open from {stages}; the case stands at '{stage}'.",
        entry.citation,
        f"First take {_either(requests)}." if requests else None,
    )


def already_taken(entry: Step, facts: Facts, party_id: object) -> Reason:
    """The party has taken the step already; it waits for the others."""
    names = [party.name for party in facts.parties if party.id == party_id]
    party = names[0] if names else "Every party that takes it"
    return Reason("already-taken", f"{party} has taken '{entry.name}' already.", entry.citation)


def term_not_passed(
    procedure: Procedure, entry: Step, term: str, due_on: date | None, *, suspended: bool = False
) -> Reason:
    """The step is open only after a term, which still runs, is suspended, or does not run at all."""
    title = procedure.term(term).title
    if suspended:
        detail = f"'{entry.name}' is open only after the term '{title}', which is suspended."
        return Reason("term-not-passed", detail, entry.citation, "Resume the term, and wait until it has passed.")
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
    """A check that the step needs does not hold; its code is the name of the check."""
    return Reason(name, finding.detail, procedure.check(name).citation, finding.cure)


def track_in_another_state(
    procedure: Procedure, entry: Step, name: str, state: str | None, needed: Sequence[str | None]
) -> Reason:
    """The track of the step is in another state than the step needs; names the steps that would change it."""
    title = procedure.track(name).title
    leading = [
        step.name
        for step in procedure.steps
        for names, state_after in ((step.opens, "open"), (step.reopens, "open"), (step.pauses, "paused"))
        if name in names and state_after in needed
    ]
    cure = f"First take {_either([f'{step!r}' for step in dict.fromkeys(leading)])}." if leading else None
    detail = f"'{entry.name}' belongs to the proceedings '{title}', which are {state or 'not open'}."
    return Reason("track-state", detail, procedure.track(name).citation, cure)


def no_gate_fails(entry: Step) -> Reason:
    """The step is open only while one of its gates fails, and every gate holds."""
    gates = ", ".join(entry.fails)
    detail = f"'{entry.name}' is open only while one of these gates fails, but every one holds: {gates}."
    return Reason("a-gate-fails", detail, entry.citation)


def _takers(entry: Step) -> list[str]:
    return [
        "a party" if capacity == "any-party" else f"{'a' if entry.each == capacity else 'the'} {_words(capacity)}"
        for capacity in entry.by
    ]


def _each(capacity: str) -> str:
    return f"each {'party' if capacity == 'any-party' else _words(capacity)}"


def _words(capacity: str) -> str:
    return capacity.replace("-", " ")


def _request(step: Step) -> str:
    if step.taken_through is not None:
        return f"through /v1/cases/{{case}}/{step.taken_through}"
    return f"POST /v1/cases/{{case}}/steps/{step.name}"


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
