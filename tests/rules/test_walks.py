"""Properties of random walks through the rules: they hold whatever people do, in whatever order."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.engine import decide, for_party, open_steps, waiting
from app.rules.model import AppointmentFact, Decision, Facts, Holding, PartyFact, Refused, Step
from tests.rules.facts import (
    DUE,
    FOR_LUMEA,
    FOR_OSTRAVA,
    FOR_VEDRIA,
    IOMED,
    LUMEA,
    MEDIATOR,
    NINO,
    OSTRAVA,
    PAZ,
    REGISTRY,
    TODAY,
    VEDRIA,
    acts,
    afterwards,
    case,
    excluding,
    lumea,
    marrow,
    ostrava,
    running,
    vedria,
)

STAGES = {stage.name for stage in IOMED.stages}
FINAL = {stage.name for stage in IOMED.stages if stage.final}
ACTORS: list[Collection[Holding]] = [
    (FOR_OSTRAVA,),
    (FOR_VEDRIA,),
    (FOR_LUMEA,),
    (FOR_VEDRIA, FOR_LUMEA),
    (REGISTRY,),
    (MEDIATOR,),
    (Holding("candidate"),),
    (),
]
DECLARATIONS = st.sampled_from([(), (excluding("fisheries"),), (excluding("water-sharing", until_on=DUE),)])
ACCEPTED = st.frozensets(st.sampled_from([OSTRAVA, VEDRIA, LUMEA]))


@st.composite
def parties(draw: st.DrawFn) -> tuple[PartyFact, ...]:
    """Two or three States, most of which may mediate."""
    others = draw(st.sampled_from([(vedria(),), (vedria(), lumea())]))
    in_force = st.sampled_from([TODAY, TODAY, TODAY, None])
    return tuple(
        replace(each, consented=draw(st.booleans()), in_force_on=draw(in_force), declarations=draw(DECLARATIONS))
        for each in (ostrava(), *others)
    )


@st.composite
def nominations(draw: st.DrawFn) -> tuple[AppointmentFact, ...]:
    """None, one or two live appointments in any state."""
    live = []
    for id in draw(st.sampled_from([(), (NINO,), (NINO, PAZ)])):
        state = draw(st.sampled_from(["proposed", "declared", "declared", "confirmed"]))
        independent = None if state == "proposed" else draw(st.booleans())
        live.append(AppointmentFact(id, state, independent, draw(ACCEPTED)))
    return tuple(live)


@st.composite
def anything(draw: st.DrawFn) -> Facts:
    """A case at any stage with any facts, including facts that no walk produces."""
    signed = draw(st.lists(st.sampled_from([OSTRAVA, VEDRIA, LUMEA]), unique=True))
    accepted = draw(st.lists(st.sampled_from([VEDRIA, LUMEA]), unique=True))
    return case(
        draw(st.sampled_from(sorted(STAGES))),
        parties=draw(parties()),
        appointments=draw(nominations()),
        third_states=draw(st.sampled_from([(), (marrow(consented=False),), (marrow(consented=True),)])),
        acts=draw(st.sampled_from([(), acts("freeze-text", None)]))
        + acts("sign", *signed)
        + acts("accept-invitation", *accepted),
        terms=draw(st.sampled_from([(), (running("reply"),), (running("reply"), running("nomination"))])),
        subject=draw(st.sampled_from([None, None, NINO, PAZ, OSTRAVA, VEDRIA, LUMEA, UUID(int=99)])),
    )


def agree(facts: Facts, holdings: Collection[Holding]) -> list[Step]:
    """The list of open steps agrees with the decision on every entry; gives the steps that are available."""
    listed = open_steps(IOMED, facts, holdings, TODAY)
    assert [each.step for each in listed] == list(IOMED.steps)
    for name in {step.name for step in IOMED.steps}:
        entries = [each for each in listed if each.step.name == name]
        available = [each.step for each in entries if each.available]
        decision = _decided(facts, name, holdings)
        if isinstance(decision, Refused):
            assert available == []
            assert decision.stage == facts.stage
            codes = [reason.code for reason in decision.reasons]
            shown = [[reason.code for reason in each.reasons] for each in entries]
            # The list gives an actor for several parties the reasons of each of them.
            several = len({holding.party_id for holding in holdings}) > 1
            assert any(set(codes) <= set(each) for each in shown) if several else codes in shown
        else:
            assert available == [decision.step]
    return [each.step for each in listed if each.available]


def _decided(facts: Facts, step: str, holdings: Collection[Holding]) -> Decision | Refused:
    """The decision for the first of the actor's parties that can take the step, else the refusal for the first."""
    parties = {holding.party_id for holding in holdings if holding.party_id is not None}
    ways: list[UUID | None] = [*sorted(parties, key=str)] if parties else [None]
    refusals = []
    for party_id in ways:
        try:
            return decide(IOMED, facts, step, for_party(holdings, party_id), TODAY)
        except Refused as refused:
            refusals.append(refused)
    return refusals[0]


@settings(max_examples=150, deadline=None)
@given(facts=anything(), holdings=st.sampled_from(ACTORS))
def test_the_list_of_steps_shows_what_is_enforced(facts: Facts, holdings: Collection[Holding]) -> None:
    agree(facts, holdings)


@settings(max_examples=150, deadline=None)
@given(facts=anything(), holdings=st.sampled_from(ACTORS))
def test_deciding_listing_and_awaiting_do_not_change_the_facts(facts: Facts, holdings: Collection[Holding]) -> None:
    before = repr(facts)
    open_steps(IOMED, facts, holdings, TODAY)
    waiting(IOMED, facts, TODAY)
    for step in IOMED.steps:
        _decided(facts, step.name, holdings)
    assert repr(facts) == before


@settings(max_examples=150, deadline=None)
@given(facts=anything(), holdings=st.sampled_from(ACTORS))
def test_a_final_stage_has_no_open_step_and_awaits_nobody(facts: Facts, holdings: Collection[Holding]) -> None:
    for stage in FINAL:
        ended = replace(facts, stage=stage)
        assert not any(each.available for each in open_steps(IOMED, ended, holdings, TODAY))
        assert waiting(IOMED, ended, TODAY) == ()


@settings(max_examples=150, deadline=None)
@given(facts=anything())
def test_an_open_case_awaits_only_the_step_of_its_stage_and_only_parties_that_have_not_acted(facts: Facts) -> None:
    acted = {(act.step, act.party_id) for act in facts.acts}
    for each in waiting(IOMED, facts, TODAY):
        (step,) = [step for step in IOMED.entries(each.step) if facts.stage in step.expected]
        assert step.each is None or (each.step, each.party_id) not in acted
    if facts.stage not in FINAL | {"invited", "settling"}:
        assert waiting(IOMED, facts, TODAY)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_walk_of_open_steps_stays_within_the_stages_and_ends_only_with_an_outcome(data: st.DataObject) -> None:
    facts = replace(data.draw(anything()), stage="draft", acts=(), terms=(), subject=None)
    for _ in range(25):
        holdings = data.draw(st.sampled_from(ACTORS[:-2]))
        facts = replace(facts, appointments=data.draw(nominations()))
        steps = agree(facts, holdings)
        if not steps:
            continue
        step = data.draw(st.sampled_from(steps))
        decision = _decided(facts, step.name, holdings)
        assert isinstance(decision, Decision)
        assert decision.stage in STAGES
        assert decision.stage in (facts.stage, step.to)
        assert (decision.outcome is not None) == (decision.stage in FINAL)
        facts = afterwards(facts, decision, TODAY)
        if facts.stage in FINAL:
            break


@pytest.mark.parametrize("stage", sorted(STAGES - FINAL))
@settings(max_examples=25, deadline=None)
@given(facts=anything())
def test_the_requesting_party_may_always_leave_an_open_case(stage: str, facts: Facts) -> None:
    decision = decide(IOMED, replace(facts, stage=stage, subject=None), "withdraw", {FOR_OSTRAVA}, TODAY)
    assert (decision.stage, decision.outcome) == ("closed", "withdrawn")
