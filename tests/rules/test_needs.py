"""The needs of steps: each unmet need is refused with its code, rule and cure, and judged on the right day."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.rules.engine import decide
from app.rules.model import AppointmentFact, Citation, Declaration
from tests.rules.facts import (
    FOR_VEDRIA,
    IOMED,
    LODGED_ON,
    NINO,
    OSTRAVA,
    PAZ,
    REGISTRY,
    TODAY,
    VEDRIA,
    answer,
    case,
    excluding,
    lumea,
    marrow,
    nomination,
    ostrava,
    proposed,
    refusal,
    vedria,
)

SCOPE = Citation(None, "text", "international-mediation.org/scope-of-cases")
ARTICLE_24 = Citation(
    "Convention, article 24",
    "secondary",
    "international-mediation.org/scope-of-cases; the article's number from lawandordernews.com",
)
PRACTICE = Citation(None, "institution", None)
CONSENTS = (
    "The party accepts through POST /v1/cases/{case}/steps/accept-invitation (where it came later, through POST"
    " /v1/cases/{case}/steps/join), or the registry confirms its prior instrument through POST"
    " /v1/cases/{case}/consents/{id}/confirm."
)
IN_FORCE = (
    "If the convention is in force for it, the administrator records the day through PATCH /v1/members/{id};"
    " otherwise the registry declares it through POST /v1/cases/{case}/steps/declare-inadmissible."
)
THIRD_CONSENTS = (
    "Any party or the registry files the third State's consent through POST /v1/cases/{case}/consents, and the"
    " registry confirms it through POST /v1/cases/{case}/consents/{id}/confirm."
)
NOMINATES = "Any party or the registry nominates one through POST /v1/cases/{case}/appointments."
NOMINATES_ANOTHER = "Any party or the registry nominates another through POST /v1/cases/{case}/appointments."
DECLARES = "The candidate declares through POST /v1/appointments/{id}/declare."
ACCEPTS = "The party accepts through POST /v1/appointments/{id}/accept, once the candidate has declared."

NEEDS: list[tuple[str, str, dict[str, Any], str, Citation, str, str]] = [
    (
        "consented",
        "screen",
        {"parties": (ostrava(), vedria(consented=False))},
        "all-parties-consented",
        SCOPE,
        "Vedria has not consented to mediation.",
        CONSENTS,
    ),
    (
        "consented",
        "screen",
        {"parties": (ostrava(), vedria(in_force_on=None))},
        "contracting-states",
        ARTICLE_24,
        "Vedria is not a contracting State on 2026-03-16.",
        IN_FORCE,
    ),
    (
        "consented",
        "screen",
        {"parties": (ostrava(), vedria(ceases_on=date(2026, 3, 16)))},
        "contracting-states",
        ARTICLE_24,
        "Vedria is not a contracting State on 2026-03-16: the convention ceased to be in force for it on 2026-03-16.",
        IN_FORCE,
    ),
    (
        "consented",
        "screen",
        {"parties": (ostrava(), vedria(kind="company"))},
        "contracting-states",
        ARTICLE_24,
        "Vedria is not a State.",
        "The registry declares it through POST /v1/cases/{case}/steps/declare-inadmissible.",
    ),
    (
        "consented",
        "screen",
        {"parties": (ostrava(declarations=(excluding("water-sharing", "fisheries"),)), vedria())},
        "no-excluded-subject",
        SCOPE,
        "A declaration of Ostrava excludes the subject water-sharing from mediation.",
        "The requesting party strikes the subject out of its request through PATCH /v1/cases/{case}.",
    ),
    (
        "consented",
        "screen",
        {"third_states": (marrow(consented=False),)},
        "third-states-consented",
        SCOPE,
        "The dispute involves Marrow, whose prior consent is not confirmed.",
        THIRD_CONSENTS,
    ),
    (
        "registered",
        "confirm-mediator",
        {"appointments": (proposed(NINO, OSTRAVA, VEDRIA),)},
        "declarations-made",
        PRACTICE,
        "The candidate has not made the declaration of independence.",
        DECLARES,
    ),
    (
        "registered",
        "confirm-mediator",
        {"appointments": (nomination(NINO, "declared", OSTRAVA, VEDRIA, independent=False),)},
        "declarations-made",
        PRACTICE,
        "The candidate declared not to be independent.",
        NOMINATES_ANOTHER,
    ),
    (
        "registered",
        "confirm-mediator",
        {"appointments": (nomination(NINO, "declared", OSTRAVA),)},
        "accepted-by-all-parties",
        PRACTICE,
        "Vedria has not accepted the candidate.",
        ACCEPTS,
    ),
    (
        "settling",
        "sign",
        {"acts": ()},
        "text-frozen",
        PRACTICE,
        "No text of the settlement is frozen.",
        "The mediator freezes a draft through POST /v1/cases/{case}/settlement/drafts/{id}/freeze.",
    ),
]


@pytest.mark.parametrize(("stage", "step", "changes", "code", "citation", "detail", "cure"), NEEDS)
def test_an_unmet_need_gives_its_rule_its_reason_and_its_cure(
    stage: str, step: str, changes: dict[str, Any], code: str, citation: Citation, detail: str, cure: str
) -> None:
    refused = refusal(case(stage, **changes), step, FOR_VEDRIA if step == "sign" else REGISTRY)
    (reason,) = refused.reasons
    assert (refused.code, refused.detail, refused.stage) == ("need-not-met", detail, stage)
    assert (reason.code, reason.detail, reason.citation, reason.cure) == (code, detail, citation, cure)


def test_all_unmet_needs_are_reported_at_once() -> None:
    facts = case(
        "invited",
        parties=(ostrava(kind="company"), vedria(consented=False, declarations=(excluding("water-sharing"),))),
        third_states=(marrow(consented=False),),
    )
    assert [reason.code for reason in refusal(facts, "screen", REGISTRY).reasons] == [
        "all-parties-consented",
        "contracting-states",
        "no-excluded-subject",
        "third-states-consented",
    ]


def test_without_a_nomination_every_need_about_the_mediator_is_unmet() -> None:
    refused = refusal(case("registered", appointments=()), "confirm-mediator", REGISTRY)
    assert [(reason.code, reason.detail, reason.cure) for reason in refused.reasons] == [
        ("mediator-nominated", "No nomination of a mediator is pending.", NOMINATES),
        ("declarations-made", "The candidate has not made the declaration of independence.", DECLARES),
        ("accepted-by-all-parties", "Ostrava has not accepted the candidate.", ACCEPTS),
        ("accepted-by-all-parties", "Vedria has not accepted the candidate.", ACCEPTS),
    ]


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        (excluding("water-sharing"), "need-not-met"),
        (excluding("fisheries"), "open"),
        (excluding("water-sharing", from_on=date(2026, 3, 1)), "need-not-met"),
        (excluding("water-sharing", from_on=date(2026, 3, 2)), "need-not-met"),
        (excluding("water-sharing", from_on=date(2026, 3, 3)), "open"),
        (excluding("water-sharing", until_on=date(2026, 3, 1)), "open"),
        (excluding("water-sharing", until_on=date(2026, 3, 2)), "need-not-met"),
        (excluding("water-sharing", from_on=date(2026, 3, 2), until_on=date(2026, 3, 2)), "need-not-met"),
        (excluding("water-sharing", from_on=date(2026, 3, 10)), "open"),
        (excluding("water-sharing", until_on=date(2026, 3, 10)), "need-not-met"),
    ],
)
def test_declarations_count_as_they_stood_on_the_day_of_lodging(declaration: Declaration, expected: str) -> None:
    assert date(2026, 3, 2) == LODGED_ON
    facts = case("consented", parties=(ostrava(), vedria(declarations=(declaration,))))
    assert answer(facts, "screen", REGISTRY, on=TODAY) == expected


def test_subjects_excluded_by_several_declarations_are_reported_once_for_each_party() -> None:
    twice = (excluding("water-sharing", "fisheries"), excluding("water-sharing"))
    facts = case(
        "consented",
        subjects=frozenset({"water-sharing", "fisheries", "navigation"}),
        parties=(ostrava(declarations=(excluding("fisheries"),)), vedria(declarations=twice)),
    )
    assert [reason.detail for reason in refusal(facts, "screen", REGISTRY).reasons] == [
        "A declaration of Ostrava excludes the subject fisheries from mediation.",
        "A declaration of Vedria excludes the subject fisheries from mediation.",
        "A declaration of Vedria excludes the subject water-sharing from mediation.",
    ]


@pytest.mark.parametrize(
    ("screened_on", "expected"),
    [(date(2026, 3, 9), "need-not-met"), (date(2026, 3, 10), "open"), (date(2026, 3, 11), "open")],
)
def test_contracting_status_counts_as_it_stands_on_the_day_of_screening(screened_on: date, expected: str) -> None:
    facts = case("consented", parties=(ostrava(), vedria(in_force_on=date(2026, 3, 10))))
    assert answer(facts, "screen", REGISTRY, on=screened_on) == expected


@pytest.mark.parametrize(
    ("changes", "lodged", "invited", "consented"),
    [
        ({}, "need-not-met", "need-not-met", "need-not-met"),
        ({"parties": (ostrava(), vedria(in_force_on=None))}, "open", "open", "open"),
        ({"parties": (ostrava(declarations=(excluding("water-sharing"),)), vedria())}, "open", "open", "open"),
        ({"third_states": (marrow(consented=False),)}, "need-not-met", "need-not-met", "open"),
        ({"third_states": (marrow(consented=True),)}, "need-not-met", "need-not-met", "need-not-met"),
        ({"parties": (ostrava(), vedria(consented=False))}, "need-not-met", "need-not-met", "need-not-met"),
    ],
)
def test_a_request_is_declared_inadmissible_only_while_a_gate_fails(
    changes: dict[str, Any], lodged: str, invited: str, consented: str
) -> None:
    answers = [answer(case(stage, **changes), "declare-inadmissible", REGISTRY) for stage in ("lodged", "invited")]
    assert answers == [lodged, invited]
    assert answer(case("consented", **changes), "declare-inadmissible", REGISTRY) == consented


def test_a_refused_declaration_of_inadmissibility_names_the_gates_that_pass() -> None:
    (reason,) = refusal(case("consented"), "declare-inadmissible", REGISTRY).reasons
    assert reason.code == "a-gate-fails"
    assert reason.detail == (
        "'declare-inadmissible' is open only while one of these gates fails, but every one holds: "
        "contracting-states, no-excluded-subject, third-states-consented."
    )
    assert reason.citation == Citation(
        "Convention, article 24", "secondary", "the article's number from lawandordernews.com"
    )


UNDECLARED = proposed(NINO, OSTRAVA, VEDRIA)
READY = nomination(PAZ, "declared", OSTRAVA, VEDRIA)
UNACCEPTED = nomination(NINO, "declared", OSTRAVA)
CONFIRMED = nomination(NINO, "confirmed", OSTRAVA, VEDRIA)


@pytest.mark.parametrize(
    ("appointments", "subject", "lacking"),
    [
        ((UNDECLARED, READY), NINO, ["declarations-made"]),
        ((UNDECLARED, READY), PAZ, []),
        ((UNDECLARED, READY), None, []),
        ((READY,), NINO, ["mediator-nominated", "declarations-made", *["accepted-by-all-parties"] * 2]),
        ((READY,), OSTRAVA, []),
        ((UNDECLARED, nomination(PAZ, "declared", VEDRIA)), None, ["declarations-made"]),
        ((nomination(NINO), nomination(PAZ, "declared", VEDRIA)), None, ["accepted-by-all-parties"]),
        (
            (nomination(NINO, "declared", OSTRAVA, independent=False), READY),
            NINO,
            ["declarations-made", "accepted-by-all-parties"],
        ),
        ((CONFIRMED,), None, ["mediator-nominated", "declarations-made", *["accepted-by-all-parties"] * 2]),
        ((CONFIRMED, READY), None, []),
    ],
)
def test_needs_about_a_nomination_are_judged_on_the_named_nomination_or_on_a_single_one(
    appointments: tuple[AppointmentFact, ...], subject: UUID | None, lacking: list[str]
) -> None:
    facts = case("registered", appointments=appointments, subject=subject)
    if lacking:
        assert [reason.code for reason in refusal(facts, "confirm-mediator", REGISTRY).reasons] == lacking
    else:
        assert decide(IOMED, facts, "confirm-mediator", {REGISTRY}, TODAY).stage == "mediating"


def test_a_mediator_who_is_confirmed_already_is_not_confirmed_again() -> None:
    refused = refusal(case("registered", appointments=(CONFIRMED,), subject=NINO), "confirm-mediator", REGISTRY)
    assert refused.reasons[0].code == "mediator-nominated"


def test_needs_met_by_two_different_nominations_do_not_add_up() -> None:
    halves = (UNDECLARED, nomination(PAZ))
    assert answer(case("registered", appointments=halves), "confirm-mediator", REGISTRY) == "need-not-met"
    assert answer(case("registered", appointments=(*halves, READY)), "confirm-mediator", REGISTRY) == "open"


def test_a_third_party_must_accept_the_candidate_too() -> None:
    facts = case("registered", parties=(ostrava(), vedria(), lumea()))
    assert refusal(facts, "confirm-mediator", REGISTRY).detail == "Lumea has not accepted the candidate."
