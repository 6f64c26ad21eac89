"""Steps that every party must take: in part, completely, twice, and by the registry in a party's place."""

from uuid import UUID

import pytest

from app.rules.engine import decide, for_party, open_steps
from app.rules.model import Facts, Holding
from tests.rules.facts import (
    FOR_LUMEA,
    FOR_OSTRAVA,
    FOR_VEDRIA,
    IOMED,
    LUMEA,
    OSTRAVA,
    REGISTRY,
    TODAY,
    VEDRIA,
    acts,
    answer,
    case,
    lumea,
    ostrava,
    refusal,
    vedria,
)

THREE = (ostrava(), vedria(), lumea())


def signing(*signed: UUID) -> Facts:
    """Three States at the signature, some of which have signed."""
    return case("settling", parties=THREE, acts=acts("freeze-text", None) + acts("sign", *signed))


@pytest.mark.parametrize(
    ("signed", "holding", "party", "completes", "stage", "outcome"),
    [
        ((), FOR_OSTRAVA, OSTRAVA, False, "settling", None),
        ((OSTRAVA,), FOR_VEDRIA, VEDRIA, False, "settling", None),
        ((OSTRAVA, VEDRIA), FOR_LUMEA, LUMEA, True, "closed", "settled"),
        ((LUMEA, VEDRIA), FOR_OSTRAVA, OSTRAVA, True, "closed", "settled"),
    ],
)
def test_a_step_of_each_party_takes_effect_with_the_last_party(
    signed: tuple[UUID, ...], holding: Holding, party: UUID, completes: bool, stage: str, outcome: str | None
) -> None:
    decision = decide(IOMED, signing(*signed), "sign", {holding}, TODAY)
    assert (decision.party_id, decision.completes) == (party, completes)
    assert (decision.stage, decision.outcome) == (stage, outcome)


def test_a_party_does_not_take_the_step_twice() -> None:
    refused = refusal(signing(VEDRIA), "sign", FOR_VEDRIA)
    (reason,) = refused.reasons
    assert (refused.code, refused.stage) == ("step-not-open", "settling")
    assert (reason.code, reason.detail) == ("already-taken", "Vedria has taken 'sign' already.")
    assert reason.citation.article == "Convention, articles 40 and 41"


def test_a_representative_of_two_parties_signs_once_for_each() -> None:
    both = {FOR_VEDRIA, FOR_LUMEA}
    with pytest.raises(ValueError, match="taken for one party"):
        decide(IOMED, signing(OSTRAVA), "sign", both, TODAY)
    assert decide(IOMED, signing(OSTRAVA), "sign", for_party(both, VEDRIA), TODAY).party_id == VEDRIA
    last = decide(IOMED, signing(OSTRAVA, VEDRIA), "sign", for_party(both, LUMEA), TODAY)
    assert (last.party_id, last.completes) == (LUMEA, True)
    for party_id in (VEDRIA, LUMEA):
        assert answer(signing(VEDRIA, LUMEA), "sign", *for_party(both, party_id)) == "step-not-open"


def test_the_acts_of_another_step_do_not_count() -> None:
    facts = case("settling", acts=acts("freeze-text", None) + acts("accept-invitation", OSTRAVA, VEDRIA))
    assert not decide(IOMED, facts, "sign", {FOR_OSTRAVA}, TODAY).completes


def invited(*accepted: UUID, subject: UUID | None = None) -> Facts:
    """Two States invited by a third, some of which have accepted."""
    return case("invited", parties=THREE, acts=acts("accept-invitation", *accepted), subject=subject)


@pytest.mark.parametrize(
    ("accepted", "subject", "completes", "stage"),
    [((), VEDRIA, False, "invited"), ((VEDRIA,), LUMEA, True, "consented"), ((LUMEA,), VEDRIA, True, "consented")],
)
def test_a_prior_instrument_that_the_registry_confirms_is_the_act_of_that_party(
    accepted: tuple[UUID, ...], subject: UUID, completes: bool, stage: str
) -> None:
    decision = decide(IOMED, invited(*accepted, subject=subject), "accept-invitation", {REGISTRY}, TODAY)
    assert (decision.party_id, decision.completes, decision.stage) == (subject, completes, stage)
    assert decision.step.taken_through == "consents"


def test_the_consent_of_a_party_that_accepted_is_not_confirmed_once_more() -> None:
    refused = refusal(invited(VEDRIA, subject=VEDRIA), "accept-invitation", REGISTRY)
    assert [reason.code for reason in refused.reasons] == ["already-taken"]
    assert refused.detail == "Vedria has taken 'accept-invitation' already."


def test_the_requesting_party_consented_by_lodging_and_accepts_no_invitation() -> None:
    refused = refusal(invited(subject=OSTRAVA), "accept-invitation", REGISTRY)
    assert (refused.code, refused.detail) == (
        "not-your-capacity",
        "'accept-invitation' is taken for each responding party; the named party is not one of them.",
    )


def test_a_representative_cannot_act_for_a_party_that_they_do_not_represent() -> None:
    assert answer(invited(subject=LUMEA), "accept-invitation", FOR_VEDRIA) == "not-your-capacity"
    assert answer(invited(subject=LUMEA), "accept-invitation", FOR_LUMEA) == "open"


def test_the_step_is_open_to_the_registry_while_a_party_has_not_accepted() -> None:
    def available(facts: Facts) -> list[str | None]:
        steps = open_steps(IOMED, facts, {REGISTRY}, TODAY)
        return [each.step.taken_through for each in steps if each.available and each.step.name == "accept-invitation"]

    assert available(invited()) == available(invited(VEDRIA)) == ["consents"]
    assert available(invited(VEDRIA, LUMEA)) == []


def test_one_refusal_among_several_invited_parties_closes_the_case() -> None:
    decision = decide(IOMED, invited(VEDRIA), "decline-invitation", {FOR_LUMEA}, TODAY)
    assert (decision.party_id, decision.stage, decision.outcome) == (LUMEA, "closed", "declined")
