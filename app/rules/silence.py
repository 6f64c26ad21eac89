"""What follows when a term passes and nobody has answered: of itself, at somebody's election, on request, by notice."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.rules.engine import is_party
from app.rules.model import Citation, Procedure, Step

EFFECTS = ("automatic", "at-election", "on-request", "by-notice", "none")


@dataclass(frozen=True, slots=True)
class Silence:
    """One thing that follows: `automatic` by the clock, `at-election` or `on-request` by a party, or `by-notice`.

    A party elects what ends the case; what does not end it, it requests. Where nothing follows (`none`) the term only
    ends by the steps that answer it, and the citation is the term's own.
    """

    effect: str
    step: str | None
    title: str | None
    by: tuple[str, ...]
    outcome: str | None
    citation: Citation


def effects(procedure: Procedure, term: str, stage: str | None = None) -> tuple[Silence, ...]:
    """What follows when that term passes, in the order of the rule set; with a stage, what can follow from there.

    KeyError if the rule set has no term of that name.
    """
    steps = [step for step in procedure.steps if step.after == term and (stage is None or stage in step.origin)]
    found = tuple(silence for step in steps for silence in _of_step(step))
    return found or (Silence("none", None, None, (), None, procedure.term(term).citation),)


def _of_step(step: Step) -> Iterator[Silence]:
    """One for each kind of taker: what a party may elect, the registry may give notice of as well."""
    kinds = [(_effect(capacity, step), capacity) for capacity in step.by]
    for effect in EFFECTS:
        if by := tuple(capacity for kind, capacity in kinds if kind == effect):
            yield Silence(effect, step.name, step.title, by, step.outcome, step.citation)


def _effect(capacity: str, step: Step) -> str:
    if capacity == "clock":
        return "automatic"
    if is_party(capacity):
        return "on-request" if step.outcome is None else "at-election"
    return "by-notice"
