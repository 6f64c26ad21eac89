"""Every stage, step and capacity of every rule set over HTTP, compared with the tables that were written by hand."""

import os

import pytest

from app.rules.loader import library
from tests.installation import House, Json
from tests.rules.expectations import CAPACITIES, EVERY, EXPECTED, Expectation
from tests.story import Dispute
from tests.walks import Walker, body_of, entry_of

PEOPLE = dict(zip(CAPACITIES, ("requesting", "responding", "registry", "mediator"), strict=True))
# The first stage at which each capacity sees the case: the second and third stages are the same in every rule set.
SEES = {"requesting-party": 0, "registry": 1, "responding-party": 2}
# The stages that the shortest way reaches with a mediator in office.
MEDIATED = {
    "iomed-state-2025": "mediating settling closed",
    "iomed-commercial-2025": "mediating settling closed",
    "uncitral-2021": "mediating settling closed",
    "icsid-2022": "transmitted mediating settling closed",
    "icc-2014": "appointed conducting settling closed",
    "indus-waters-1960": "mediating settling closed",
    "watercourses-1997": "mediating settling closed",
    "court-referred": "mediating settling agreed not-agreed closed",
}
# Answers of open steps other than 200: at that stage, by that capacity, or always; first those of every rule set.
ANSWERS = {
    "join": "need-not-met",
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
OF_SETS = {
    "iomed-state-2025": {
        "lapse": "term-not-passed",
        "declare-inadmissible": "need-not-met",
        "screen at invited": "need-not-met",
    },
    "iomed-commercial-2025": {"lapse": "term-not-passed", "screen at invited": "need-not-met"},
    "uncitral-2021": {"lapse": "term-not-passed"},
    "icsid-2022": {
        "lapse": "term-not-passed",
        "request-appointment at registered": "term-not-passed",
        "end-on-withdrawal": "need-not-met",
        "terminate by registry": "term-not-passed",
        "terminate-by-notice": "term-not-passed",
    },
    "icc-2014": {
        "terminate-at-time-limit": "term-not-passed",
        "terminate-for-non-payment": "term-not-passed",
    },
    "indus-waters-1960": {
        "appoint-neutral-expert": "need-not-met",
        "appoint-neutral-expert by registry": "term-not-passed",
        "contest-neutral-expert": "need-not-met",
        "uphold-neutral-expert": "need-not-met",
        "hand-back": "need-not-met",
        "decide-difference": "need-not-met",
        "pause-neutral-expert": "need-not-met",
        "resume-neutral-expert": "need-not-met",
        "request-court at invited-to-negotiate": "term-not-passed",
        "record-arbitrators": "need-not-met",
        "record-umpires": "need-not-met",
        "request-lots": "term-not-passed",
        "contest-court": "need-not-met",
        "uphold-court": "need-not-met",
        "decline-court": "need-not-met",
        "pause-court": "need-not-met",
        "resume-court": "need-not-met",
        "record-award": "need-not-met",
    },
    "watercourses-1997": {
        "request-fact-finding": "term-not-passed",
        "nominate-commissioner": "need-not-met",
        "record-chairman": "need-not-met",
        "request-chairman": "term-not-passed",
        "appoint-chairman": "term-not-passed",
        "request-single-member": "term-not-passed",
        "appoint-single-member": "term-not-passed",
        "deliver-report": "need-not-met",
    },
    "court-referred": {"stop-clock": "need-not-met", "terminate-at-return-date": "term-not-passed"},
}


def rows(table: Expectation) -> list[tuple[str, str, str]]:
    """Step, capacity and letters; the registry is also the appointing authority, and takes the steps of both."""
    authority = {step: letters for step, who, letters in table.rows() if who == "appointing-authority"}
    return [
        (step, capacity, _either(letters, authority.get(step)) if capacity == "registry" else letters)
        for step, capacity, letters in table.rows()
        if capacity in CAPACITIES
    ]


def _either(letters: str, others: str | None) -> str:
    """The letters of a person with two capacities."""
    if others is None:
        return letters
    pairs = zip(letters, others, strict=True)
    return "".join(
        next((letter for letter in pair if letter not in "x-"), "-" if "-" in pair else "x") for pair in pairs
    )


def body(rule_set: str, step: str, capacity: str, dispute: Dispute) -> Json:
    """The body that the step needs."""
    entry = entry_of(library()[rule_set], capacity, step, dispute.case["stage"])
    return body_of(entry, dispute.party("responding"))


def expected(rule_set: str, step: str, stage: str, capacity: str, letter: str) -> tuple[int, str | None]:
    """Status and code, for a person who sees the case."""
    if letter == "x":
        return 403, "not-your-capacity"
    if letter == "-":
        return 409, "step-not-open"
    answers = ANSWERS | OF_SETS[rule_set]
    for name in (f"{step} at {stage}", f"{step} by {capacity}", step):
        if name in answers:
            return 409, answers[name]
    return 200, None


def sees(rule_set: str, capacity: str, stage: str) -> bool:
    """Whether a capacity sees the case at that stage."""
    if capacity == "mediator":
        return stage in MEDIATED[rule_set].split()
    return list(EVERY[rule_set].stages).index(stage) >= SEES[capacity]


# Every third stage of the newer rule sets is played; ACCORD_TEST_STRIDE=1 plays all of them.
STRIDE = int(os.environ.get("ACCORD_TEST_STRIDE", "3"))
STAGES = [(id, stage) for id, table in EVERY.items() for stage in table.stages]
OLD, NEW = ([one for one in STAGES if (one[0] in EXPECTED) is old] for old in (True, False))


# The walks and the story run on both engines; the answers do not depend on the engine.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize(("rule_set", "stage"), OLD)
def test_the_service_answers_each_step_at_this_stage_as_the_table_says(house: House, rule_set: str, stage: str) -> None:
    every_step_is_answered(house, rule_set, stage)


# The answering code is the same for every rule set, so one engine is enough here; the walks run on both.
@pytest.mark.slow
@pytest.mark.parametrize("empty_registry", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("rule_set", "stage"), NEW[::STRIDE])
def test_the_service_answers_each_step_of_the_other_rule_sets_as_the_table_says(
    house: House, rule_set: str, stage: str
) -> None:
    every_step_is_answered(house, rule_set, stage)


def every_step_is_answered(house: House, rule_set: str, stage: str) -> None:
    """Bring a case to the stage, and send every step by every capacity; a step that succeeds needs a new case."""
    table, began = EVERY[rule_set], house.clock.now
    walker = Walker(Dispute(house), rule_set)
    walker.bring_to(stage)
    place = list(table.stages).index(stage)
    for step, capacity, letters in rows(table):
        answer = expected(rule_set, step, stage, capacity, letters[place])
        status, code = answer if sees(rule_set, capacity, stage) else (404, "not-found")
        sent = body(rule_set, step, capacity, walker.dispute)
        walker.dispute.step(walker.person(PEOPLE[capacity]), step, sent).expect(status, code)
        if status == 200:
            # The next case begins at the same instant: people's tokens would expire during all the cases in a row.
            house.clock.now = began
            walker.bring_to(stage)
