"""Every stage, step and person of both rule sets over HTTP, held against the table that was written by hand."""

import pytest

from tests.institution import House, Json, Person
from tests.rules.expectations import CAPACITIES, EXPECTED
from tests.story import GIVES, Dispute

# From which stage on somebody sees the case, under either rule set; the requesting side sees it always.
SEES = {"registry": "lodged", "responding-party": "invited", "mediator": "mediating"}
WHY = {"reason": "As the rules allow."}
GROUNDS = {
    ("iomed-state-2025", "requesting-party"): "agreement-of-the-parties",
    ("iomed-state-2025", "responding-party"): "agreement-of-the-parties",
    ("iomed-state-2025", "registry"): "party-does-not-take-part",
    ("iomed-state-2025", "mediator"): "no-prospect-of-settlement",
    ("uncitral-2021", "requesting-party"): "declaration-of-the-parties",
    ("uncitral-2021", "responding-party"): "declaration-of-the-parties",
    ("uncitral-2021", "registry"): "mandatory-period-expired",
    ("uncitral-2021", "mediator"): "declaration-of-the-mediator",
}
# What an open step answers if it is not 200: at that stage, or at every one.
ANSWERS = {
    "join": "need-not-met",
    "lapse": "term-not-passed",
    "declare-inadmissible": "need-not-met",
    "screen at invited": "need-not-met",
    "nominate": "taken-through",
    "nominate at settling": "need-not-met",
    "confirm-mediator": "need-not-met",
    "resign": "taken-through",
    "replace-mediator": "taken-through",
    "hold-session": "taken-through",
    "freeze-text": "taken-through",
    "sign": "taken-through",
    "accept-invitation by registry": "taken-through",
}


def body(rule_set: str, step: str, capacity: str) -> Json:
    """What the step needs."""
    if step in ("lodge", "accept-invitation", "join"):
        return GIVES if capacity != "registry" else {}
    if step == "terminate":
        each = capacity.endswith("party")
        ground: Json = {"fields": {"ground": GROUNDS[rule_set, capacity]}}
        return ground if each else {**ground, **WHY}
    return WHY if step in ("decline-invitation", "lapse", "declare-inadmissible", "withdraw") else {}


def expected(step: str, stage: str, capacity: str, letter: str) -> tuple[int, str | None]:
    """Status and code, for somebody who sees the case."""
    if letter == "x":
        return 403, "not-your-capacity"
    if letter == "-":
        return 409, "step-not-open"
    for name in (f"{step} at {stage}", f"{step} by {capacity}", step):
        if name in ANSWERS:
            return 409, ANSWERS[name]
    return 200, None


def person_of(dispute: Dispute, capacity: str) -> Person:
    """Who acts in that capacity."""
    people = (dispute.requesting, dispute.responding, dispute.registrar, dispute.mediator)
    return dict(zip(CAPACITIES, people, strict=True))[capacity]


EVERY_STAGE = [(id, stage) for id, table in EXPECTED.items() for stage in table.stages]


@pytest.mark.parametrize(("rule_set", "stage"), EVERY_STAGE)
def test_the_service_answers_each_step_at_this_stage_as_the_table_says(house: House, rule_set: str, stage: str) -> None:
    table, made = EXPECTED[rule_set], 0
    dispute = Dispute(house)
    dispute.brought_to(stage, procedure=rule_set)
    place = list(table.stages).index(stage)
    for step, capacity, letters in table.rows():
        sees = capacity not in SEES or place >= list(table.stages).index(SEES[capacity])
        status, code = expected(step, stage, capacity, letters[place]) if sees else (404, "not-found")
        dispute.step(person_of(dispute, capacity), step, body(rule_set, step, capacity)).expect(status, code)
        if status == 200:
            made += 1
            dispute = Dispute(house, f"{made}")
            dispute.brought_to(stage, procedure=rule_set)
