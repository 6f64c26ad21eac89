"""The effects of silence: what follows when a term passes without an answer."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.rules.engine import is_party
from app.rules.model import Citation, Procedure, Step

EFFECTS = ("automatic", "at-election", "on-request", "by-notice", "none")


@dataclass(frozen=True, slots=True)
class Silence:
    """One effect: `automatic` by the clock, `at-election` or `on-request` by a party, or `by-notice` of the registry.

    A party elects a step that ends the case, and requests one that does not. Without an effect (`none`) only the steps
    that answer the term end it, and the citation is the term's own.
    """

    effect: str
    step: str | None
    title: str | None
    by: tuple[str, ...]
    outcome: str | None
    citation: Citation


def effects(procedure: Procedure, term: str, stage: str | None = None) -> tuple[Silence, ...]:
    """The effects when a term passes, in the order of the rule set; with a stage, only those possible at that stage.

    KeyError if the rule set has no term of that name.
    """
    steps = [step for step in procedure.steps if step.after == term and (stage is None or stage in step.origin)]
    silences = tuple(silence for step in steps for silence in _of_step(step))
    return silences or (Silence("none", None, None, (), None, procedure.term(term).citation),)


def _of_step(step: Step) -> Iterator[Silence]:
    """One effect for each kind of taker: a party may elect a step of which the registry may also give notice."""
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
