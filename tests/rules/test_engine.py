"""The capacities that may take each step of a State-to-State mediation, at which stage, and the effect of the step."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from app.rules.engine import acting_party, decide, for_party, open_steps
from app.rules.model import Citation, Holding, Procedure
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
    REGISTRY,
    TODAY,
    VEDRIA,
    acts,
    answer,
    case,
    lumea,
    nomination,
    ostrava,
    proposed,
    refusal,
    running,
    take,
    vedria,
)

STAGES = (
    "draft",
    "lodged",
    "invited",
    "consented",
    "screened",
    "registered",
    "mediating",
    "settling",
    "closed",
)
ACTORS = {"requesting-party": FOR_OSTRAVA, "responding-party": FOR_VEDRIA, "registry": REGISTRY, "mediator": MEDIATOR}
STEPS = tuple(dict.fromkeys(step.name for step in IOMED.steps))


@pytest.mark.parametrize("capacity", ["observer", "candidate", "appointing-authority", "court", "clock"])
def test_observers_and_candidates_take_no_step(capacity: str) -> None:
    for stage in STAGES:
        for step in STEPS:
            assert answer(case(stage), step, Holding(capacity)) == "not-your-capacity"


def test_a_dispute_goes_from_draft_to_signed_settlement() -> None:
    invited_state = vedria(consented=False)
    facts = case("draft", lodged_on=None, acts=(), appointments=(), parties=(ostrava(consented=False), invited_state))

    facts = take(facts, "lodge", FOR_OSTRAVA)
    assert (facts.stage, facts.lodged_on) == ("lodged", TODAY)
    facts = take(facts, "invite", REGISTRY)
    assert (facts.stage, facts.terms) == ("invited", (running("reply"),))
    facts = take(facts, "accept-invitation", FOR_VEDRIA)
    assert (facts.stage, facts.terms[0].ended) == ("consented", True)
    facts = take(facts, "screen", REGISTRY)
    assert facts.stage == "screened"
    facts = take(facts, "register", REGISTRY)
    assert (facts.stage, facts.terms[1]) == ("registered", running("nomination"))
    facts = take(facts, "nominate", FOR_OSTRAVA)
    assert facts.stage == "registered"
    facts = replace(facts, appointments=(nomination(NINO, "declared", OSTRAVA, VEDRIA),))
    facts = take(facts, "confirm-mediator", REGISTRY, subject=NINO)
    assert (facts.stage, facts.terms[1].ended) == ("mediating", True)
    facts = take(facts, "hold-session", MEDIATOR)
    assert facts.stage == "mediating"
    facts = take(facts, "freeze-text", MEDIATOR)
    assert facts.stage == "settling"
    facts = take(facts, "hold-session", MEDIATOR)
    assert facts.stage == "settling"
    facts = take(facts, "sign", FOR_OSTRAVA)
    assert facts.stage == "settling"
    last = decide(IOMED, facts, "sign", {FOR_VEDRIA}, TODAY)
    assert (last.party_id, last.completes, last.stage, last.outcome) == (VEDRIA, True, "closed", "settled")


@pytest.mark.parametrize(
    ("stage", "step", "holding", "outcome"),
    [
        ("invited", "decline-invitation", FOR_VEDRIA, "declined"),
        ("lodged", "declare-inadmissible", REGISTRY, "inadmissible"),
        ("draft", "withdraw", FOR_OSTRAVA, "withdrawn"),
        ("mediating", "withdraw", FOR_VEDRIA, "withdrawn"),
    ],
)
def test_a_case_also_ends_without_a_settlement(stage: str, step: str, holding: Holding, outcome: str) -> None:
    facts = case(stage, parties=(ostrava(), vedria(in_force_on=None)))
    decision = decide(IOMED, facts, step, {holding}, TODAY)
    assert (decision.completes, decision.stage, decision.outcome) == (True, "closed", outcome)


def test_freezing_another_text_undoes_the_signatures_under_the_previous_one() -> None:
    signed = case("settling", acts=acts("freeze-text", None) + acts("sign", OSTRAVA))
    again = take(signed, "freeze-text", MEDIATOR)
    assert acts("sign", OSTRAVA)[0] not in again.acts
    assert not decide(IOMED, again, "sign", {FOR_VEDRIA}, TODAY).completes


def test_an_unknown_step_is_refused_differently_from_a_closed_step() -> None:
    refused = refusal(case("draft"), "adjourn", FOR_OSTRAVA)
    assert (refused.code, refused.reasons, refused.stage) == ("unknown-step", (), "draft")
    assert str(refused) == "iomed-state-2025 has no step 'adjourn'."


def test_a_refusal_of_a_capacity_names_the_capacities_that_take_the_step() -> None:
    refused = refusal(case("closed"), "accept-invitation", MEDIATOR)
    assert refused.code == "not-your-capacity"
    assert refused.detail == "Only a responding party or the registry may take 'accept-invitation'."
    assert refusal(case("settling"), "sign", REGISTRY).detail == "Only a party may take 'sign'."
    assert refused.reasons[0].citation == Citation(None, "text", "international-mediation.org/scope-of-cases")


@pytest.mark.parametrize(
    ("stage", "step", "holding", "detail", "cure"),
    [
        (
            "draft",
            "invite",
            REGISTRY,
            "'invite' is open from 'lodged'; the case stands at 'draft'.",
            "First take 'lodge' (POST /v1/cases/{case}/steps/lodge).",
        ),
        (
            "mediating",
            "sign",
            FOR_VEDRIA,
            "'sign' is open from 'settling'; the case stands at 'mediating'.",
            "First take 'freeze-text' (through /v1/cases/{case}/settlement/drafts).",
        ),
        (
            "lodged",
            "register",
            REGISTRY,
            "'register' is open from 'screened'; the case stands at 'lodged'.",
            None,
        ),
        (
            "closed",
            "withdraw",
            FOR_OSTRAVA,
            "'withdraw' is open from 'draft', 'lodged' or 'invited'; the case stands at 'closed'.",
            None,
        ),
    ],
)
def test_a_refusal_of_a_step_of_another_stage_names_the_steps_before_it(
    stage: str, step: str, holding: Holding, detail: str, cure: str | None
) -> None:
    refused = refusal(case(stage), step, holding)
    assert (refused.code, refused.detail, refused.reasons[0].cure) == ("step-not-open", detail, cure)


def test_capacity_is_judged_before_stage_and_stage_before_needs() -> None:
    hopeless = {"parties": (ostrava(consented=False), vedria(in_force_on=None))}
    assert answer(case("draft", **hopeless), "screen", FOR_OSTRAVA) == "not-your-capacity"
    assert answer(case("draft", **hopeless), "screen", REGISTRY) == "step-not-open"
    assert answer(case("invited", **hopeless), "screen", REGISTRY) == "need-not-met"


@pytest.fixture
def with_lapse() -> Procedure:
    """The rules with the registry's notice of no reply, which waits for the term `reply`."""
    (decline,) = IOMED.entries("decline-invitation")
    lapse = replace(decline, name="lapse", by=("registry",), after="reply", outcome="lapsed", needs=("text-frozen",))
    return replace(IOMED, steps=(*(step for step in IOMED.steps if step.name != "lapse"), lapse))


def test_a_step_after_a_term_opens_on_the_day_that_follows_it(with_lapse: Procedure) -> None:
    facts = case("invited", terms=(running("reply"),))
    refused = refusal(facts, "lapse", REGISTRY, on=DUE, procedure=with_lapse)
    assert refused.code == refused.reasons[0].code == "term-not-passed"
    assert refused.detail == (
        "'lapse' is open only after the term 'for the invited side to answer', which runs until the end of 2026-04-01."
    )
    assert refused.reasons[0].cure == "Wait until 2026-04-01 has passed at the seat."
    assert answer(facts, "lapse", REGISTRY, on=DUE + timedelta(days=1), procedure=with_lapse) == "open"


@pytest.mark.parametrize("terms", [(), (replace(running("reply"), ended=True),), (running("nomination"),)])
def test_a_term_that_does_not_run_never_passes(terms: tuple[object, ...], with_lapse: Procedure) -> None:
    refused = refusal(case("invited", terms=terms), "lapse", REGISTRY, on=date(2099, 1, 1), procedure=with_lapse)
    assert refused.code == "term-not-passed"
    assert refused.detail.endswith("which is not running.")
    assert refused.reasons[0].cure is None


def test_a_term_is_judged_before_the_needs(with_lapse: Procedure) -> None:
    facts = case("invited", acts=(), terms=(running("reply"),))
    assert answer(facts, "lapse", REGISTRY, on=DUE, procedure=with_lapse) == "term-not-passed"
    assert answer(facts, "lapse", REGISTRY, on=DUE + timedelta(days=1), procedure=with_lapse) == "need-not-met"


@pytest.mark.parametrize("acted", [(), (VEDRIA,), (VEDRIA, LUMEA)])
def test_a_representative_of_two_parties_acts_for_the_named_party_and_for_no_other(acted: tuple[UUID, ...]) -> None:
    facts = case("settling", parties=(ostrava(), vedria(), lumea()), acts=acts("sign", *acted))
    (sign,) = IOMED.entries("sign")
    for holdings in ((FOR_VEDRIA, FOR_LUMEA), (FOR_LUMEA, FOR_VEDRIA)):
        for party_id in (VEDRIA, LUMEA):
            assert acting_party(sign, replace(facts, subject=party_id), holdings) == party_id
            assert acting_party(sign, facts, for_party(holdings, party_id)) == party_id
        with pytest.raises(ValueError, match="one party"):
            acting_party(sign, facts, holdings)


def test_a_step_is_open_to_a_representative_of_two_parties_if_it_is_open_for_one_of_them() -> None:
    facts = case("settling", parties=(ostrava(), vedria(), lumea()), acts=acts("sign", VEDRIA))
    alone = open_steps(IOMED, facts, {FOR_LUMEA}, TODAY)
    acted = open_steps(IOMED, facts, {FOR_VEDRIA}, TODAY)
    for holdings in ((FOR_VEDRIA, FOR_LUMEA), (FOR_LUMEA, FOR_VEDRIA)):
        both = open_steps(IOMED, facts, holdings, TODAY)
        assert [each.available for each in both] == [
            one.available or two.available for one, two in zip(alone, acted, strict=True)
        ]
        assert all(bool(each.reasons) != each.available for each in both)


def test_the_list_of_steps_names_every_entry_in_the_order_of_the_rules() -> None:
    listed = open_steps(IOMED, case("registered", appointments=(proposed(),)), {REGISTRY}, TODAY)
    assert [each.step for each in listed] == list(IOMED.steps)
    assert [each.step.name for each in listed if each.available] == ["nominate", "terminate"]
    confirm = next(each for each in listed if each.step.name == "confirm-mediator")
    assert [reason.code for reason in confirm.reasons] == [
        "declarations-made",
        "accepted-by-all-parties",
        "accepted-by-all-parties",
    ]


def test_every_step_is_closed_with_a_reason_to_a_person_without_a_capacity() -> None:
    for availability in open_steps(IOMED, case("settling"), (), TODAY):
        assert not availability.available
        assert [reason.code for reason in availability.reasons] == ["not-your-capacity"]
