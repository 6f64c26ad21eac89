"""Tracks parallel to the stages, parties that leave, and terms of several parties, in the engine."""

from dataclasses import replace
from datetime import date

import pytest

from app.rules import engine
from app.rules.loader import library
from app.rules.model import ActFact, Facts, Holding, Refused, TermFact, TrackFact
from tests.rules.facts import DUE, FOR_OSTRAVA, FOR_VEDRIA, MEDIATOR, REGISTRY, lumea, ostrava, vedria

INDUS, ICSID, UNCITRAL = (library()[id] for id in ("indus-waters-1960", "icsid-2022", "uncitral-2021"))
AUTHORITY = Holding("appointing-authority")
ON = date(2026, 6, 1)


def case(stage: str, **more: object) -> Facts:
    """A case between the two States at a stage."""
    facts = Facts(stage=stage, subjects=frozenset(), lodged_on=date(2026, 3, 2), parties=(ostrava(), vedria()))
    return replace(facts, **more)  # type: ignore[arg-type]


def refused(procedure: str, facts: Facts, step: str, holding: Holding) -> tuple[str, list[str]]:
    """The refusal of a step: its code, and the codes of its reasons."""
    with pytest.raises(Refused) as caught:
        engine.decide(library()[procedure], facts, step, [holding], ON)
    return caught.value.code, [reason.code for reason in caught.value.reasons]


NEUTRAL, COURT = "neutral-expert", "court-of-arbitration"
# State of the track, step, capacity, and whether the step is open.
TRACKS = [
    (None, "request-neutral-expert", FOR_OSTRAVA, True),
    ("open", "request-neutral-expert", FOR_OSTRAVA, False),
    ("paused", "request-neutral-expert", FOR_OSTRAVA, False),
    ("closed", "request-neutral-expert", FOR_OSTRAVA, True),
    (None, "contest-neutral-expert", FOR_VEDRIA, False),
    ("open", "contest-neutral-expert", FOR_VEDRIA, True),
    ("paused", "contest-neutral-expert", FOR_VEDRIA, False),
    ("open", "pause-neutral-expert", AUTHORITY, True),
    ("paused", "pause-neutral-expert", AUTHORITY, False),
    ("paused", "resume-neutral-expert", AUTHORITY, True),
    ("open", "resume-neutral-expert", AUTHORITY, False),
    ("open", "decide-difference", REGISTRY, True),
    ("closed", "decide-difference", REGISTRY, False),
]


@pytest.mark.parametrize(("state", "step", "holding", "is_open"), TRACKS)
def test_a_step_is_open_in_the_state_of_its_track_and_in_no_other(
    state: str | None, step: str, holding: Holding, is_open: bool
) -> None:
    facts = case("dispute", tracks=(TrackFact(NEUTRAL, state),) if state else ())
    if is_open:
        assert engine.decide(INDUS, facts, step, [holding], ON).step.name == step
    else:
        assert refused("indus-waters-1960", facts, step, holding) == ("need-not-met", ["track-state"])


def test_the_tracks_are_independent_of_each_other() -> None:
    both = case("negotiating", tracks=(TrackFact(NEUTRAL, "open"), TrackFact(COURT, "open")))
    assert engine.decide(INDUS, both, "contest-neutral-expert", [FOR_VEDRIA], ON).completes
    assert engine.decide(INDUS, both, "contest-court", [FOR_VEDRIA], ON).completes
    only_court = case("negotiating", tracks=(TrackFact(COURT, "open"),))
    assert refused("indus-waters-1960", only_court, "contest-neutral-expert", FOR_VEDRIA)[0] == "need-not-met"


def test_a_party_that_has_withdrawn_takes_no_step_and_is_not_awaited() -> None:
    frozen = (ActFact("freeze-text", None), ActFact("sign", lumea().id))
    gone = vedria(participation="withdrawn")
    facts = case("settling", parties=(ostrava(), gone, lumea()), acts=frozen)
    assert refused("icsid-2022", facts, "sign", FOR_VEDRIA)[0] == "not-your-capacity"
    assert refused("icsid-2022", facts, "withdraw", FOR_VEDRIA)[0] == "not-your-capacity"
    assert engine.decide(ICSID, facts, "sign", [FOR_OSTRAVA], ON).completes
    awaited = {entry.party_id for entry in engine.waiting(ICSID, facts, ON) if entry.step == "sign"}
    assert awaited == {ostrava().id}


def test_a_mediation_with_one_side_left_can_be_ended_and_one_with_two_sides_continues() -> None:
    gone = vedria(participation="withdrawn")
    alone = case("mediating", parties=(ostrava(), gone))
    assert engine.decide(ICSID, alone, "end-on-withdrawal", [MEDIATOR], ON).outcome == "withdrawn"
    whole = case("mediating")
    assert refused("icsid-2022", whole, "end-on-withdrawal", MEDIATOR)[1] == ["a-party-withdrew"]


TERMS = [
    ((TermFact("reply", DUE, ended=False),), True),
    ((TermFact("reply", DUE, ended=False), TermFact("reply", ON, ended=False, party_id=lumea().id)), False),
    ((TermFact("reply", DUE, ended=False), TermFact("reply", ON, ended=True, party_id=lumea().id)), True),
    ((TermFact("reply", DUE, ended=False, suspended=True),), False),
]


@pytest.mark.parametrize(("terms", "passed"), TERMS)
def test_silence_takes_effect_once_the_terms_of_all_parties_have_passed_and_none_is_suspended(
    terms: tuple[TermFact, ...], passed: bool
) -> None:
    facts = case("invited", terms=terms)
    if passed:
        assert engine.decide(UNCITRAL, facts, "lapse", [FOR_OSTRAVA], ON).outcome == "lapsed"
    else:
        assert refused("uncitral-2021", facts, "lapse", FOR_OSTRAVA) == ("term-not-passed", ["term-not-passed"])


def test_a_text_that_settles_a_part_gives_the_partial_outcome() -> None:
    frozen = (ActFact("freeze-text", None), ActFact("sign", vedria().id))
    for settles, outcome in (("whole", "settled"), ("part", "partly-settled")):
        facts = case("settling", acts=frozen, settles=settles)
        assert engine.decide(UNCITRAL, facts, "sign", [FOR_OSTRAVA], ON).outcome == outcome
