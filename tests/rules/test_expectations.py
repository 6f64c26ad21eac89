"""Every stage, step and capacity of every rule set, compared with a table that was written by hand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.rules.engine import decide
from app.rules.loader import library
from app.rules.model import OPEN, PAUSED, ActFact, Facts, Holding, PartyFact, Procedure, Refused, Step, TrackFact
from tests.rules.expectations import CAPACITIES, EVERY, OTHERS
from tests.rules.facts import (
    FOR_OSTRAVA,
    FOR_VEDRIA,
    MEDIATOR,
    OSTRAVA,
    REGISTRY,
    TODAY,
    VEDRIA,
    case,
    excluding,
    lumea,
    ostrava,
    running,
    vedria,
)

HOLDINGS = dict(zip(CAPACITIES, (FOR_OSTRAVA, FOR_VEDRIA, REGISTRY, MEDIATOR), strict=True))
HOLDINGS |= {capacity: Holding(capacity) for capacity in OTHERS}
REFUSED = {"step-not-open": "-", "not-your-capacity": "x"}


def open_wide(procedure: Procedure, stage: str, step: str, holding: Holding) -> Facts:
    """The case at that stage with every need of the step met, and every other party's act already taken."""
    entries = procedure.entries(step)
    passed = {"reply", *(entry.after for entry in entries if entry.after is not None)}
    facts = case(stage, terms=tuple(running(name, TODAY - timedelta(days=1)) for name in sorted(passed)))
    other = VEDRIA if holding is FOR_OSTRAVA else OSTRAVA
    taken = tuple(ActFact(step, other) for entry in entries if entry.each == "any-party" and holding.party_id)
    parties: tuple[PartyFact, ...] = (ostrava(), vedria(served_on=TODAY))
    if any("a-party-withdrew" in entry.needs for entry in entries):
        parties = (*parties, lumea(participation="withdrawn"))
    facts = replace(facts, acts=(*facts.acts, *taken), parties=parties, tracks=tracks(entries, stage))
    if step == "declare-inadmissible":
        return replace(facts, parties=(ostrava(declarations=(excluding("water-sharing"),)), vedria()))
    if step == "join":
        return replace(facts, parties=(ostrava(consented=False), vedria(consented=False)))
    if step == "accept-invitation" and holding is REGISTRY:
        return replace(facts, subject=VEDRIA)
    return facts


def tracks(entries: Iterable[Step], stage: str) -> tuple[TrackFact, ...]:
    """The tracks in the state that the step open at that stage requires."""
    wanted: dict[str, str] = {}
    for entry in entries:
        if stage in entry.origin:
            wanted |= dict.fromkeys((*entry.pauses, *entry.closes, *((entry.within,) if entry.within else ())), OPEN)
            wanted |= dict.fromkeys(entry.reopens, PAUSED)
    return tuple(TrackFact(name, state) for name, state in wanted.items())


def answers(procedure: Procedure, letters: dict[str, str], step: str, capacity: str) -> str:
    """The answer of the rule set at each stage, in the letters of the table."""
    holding, row = HOLDINGS[capacity], ""
    for stage in letters:
        try:
            decision = decide(procedure, open_wide(procedure, stage, step, holding), step, {holding}, TODAY)
        except Refused as refused:
            row += REFUSED.get(refused.code, f"({refused.code})")
        else:
            row += letters[decision.stage]
    return row


# One test for each rule set and not for each row: more than a thousand tests of a millisecond take seconds to report.
@pytest.mark.parametrize("id", EVERY)
def test_each_step_is_open_to_the_capacities_and_leads_to_the_stage_of_the_table(id: str) -> None:
    procedure, expected = library()[id], EVERY[id]
    rows = list(expected.rows())
    answered = [
        (step, capacity, answers(procedure, expected.stages, step, capacity)) for step, capacity, _letters in rows
    ]
    assert answered == rows


def test_the_tables_name_every_rule_set_every_stage_and_every_step() -> None:
    assert set(EVERY) == set(library())
    for id, expected in EVERY.items():
        assert list(expected.stages) == [stage.name for stage in library()[id].stages]
        assert expected.steps() == list(dict.fromkeys(step.name for step in library()[id].steps))
        others = {(step.name, capacity) for step in library()[id].steps for capacity in step.by if capacity in OTHERS}
        assert expected.taken_by_others() == others


def flipped(procedure: Procedure, step: Step, what: str) -> Step:
    """The step with one of its members changed to another value."""
    taken = {origin for other in procedure.entries(step.name) for origin in other.origin}
    free = next(stage.name for stage in procedure.stages if stage.name not in taken)
    if what == "by":
        return replace(step, by=("observer",))
    if what == "from":
        return replace(step, origin=(free,))
    return replace(step, to=next(stage.name for stage in procedure.stages if stage.name not in (step.to, *step.origin)))


@pytest.mark.parametrize("what", ["by", "from", "to"])
@pytest.mark.parametrize("id", EVERY)
def test_every_change_of_a_step_is_caught_by_the_table(id: str, what: str) -> None:
    missed = [step.name for step in library()[id].steps if not _is_caught(library()[id], step, what)]
    assert missed == []


def _is_caught(procedure: Procedure, step: Step, what: str) -> bool:
    """Whether a row of the table fails once that member of the step is changed."""
    expected = EVERY[procedure.id]
    steps = [flipped(procedure, entry, what) if entry is step else entry for entry in procedure.steps]
    changed = replace(procedure, steps=tuple(steps))
    rows = [row for row in expected.rows() if row[0] == step.name]
    return any(answers(changed, expected.stages, name, capacity) != letters for name, capacity, letters in rows)
