"""The capacities and steps that a case awaits at each stage, and their due dates."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.rules.engine import waiting
from app.rules.model import AppointmentFact, Citation, Facts, TermFact
from tests.rules.facts import (
    DUE,
    IOMED,
    LUMEA,
    NINO,
    OSTRAVA,
    PAZ,
    TODAY,
    VEDRIA,
    acts,
    case,
    lumea,
    marrow,
    nomination,
    ostrava,
    proposed,
    running,
    vedria,
)

NAMES: dict[UUID | None, str] = {OSTRAVA: "Ostrava", VEDRIA: "Vedria", LUMEA: "Lumea", None: ""}
NOMINATORS = ["Ostrava: confirm-mediator", "Vedria: confirm-mediator", "registry: confirm-mediator"]


def awaited(facts: Facts, on: date = TODAY) -> list[str]:
    """The awaited capacities, with the party's name if there is one, and their steps."""
    return [f"{NAMES[each.party_id] or each.capacity}: {each.step}" for each in waiting(IOMED, facts, on)]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("draft", ["Ostrava: lodge"]),
        ("lodged", ["registry: invite"]),
        ("invited", ["Vedria: accept-invitation"]),
        ("consented", ["registry: screen"]),
        ("screened", ["registry: register"]),
        ("registered", ["registry: confirm-mediator"]),
        ("mediating", ["mediator: freeze-text"]),
        ("settling", ["Ostrava: sign", "Vedria: sign"]),
        ("closed", []),
    ],
)
def test_each_stage_waits_for_the_capacities_that_take_its_expected_step(stage: str, expected: list[str]) -> None:
    assert awaited(case(stage)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"third_states": (marrow(consented=False),)},
        {"parties": (ostrava(), vedria(in_force_on=None))},
        {"parties": (ostrava(consented=False), vedria())},
    ],
)
def test_a_failed_gate_awaits_only_the_registry(changes: dict[str, Any]) -> None:
    assert awaited(case("consented", **changes)) == ["registry: screen"]


@pytest.mark.parametrize(
    ("appointments", "expected"),
    [
        ((), NOMINATORS),
        ((proposed(),), ["candidate: confirm-mediator"]),
        ((proposed(NINO, OSTRAVA, VEDRIA),), ["candidate: confirm-mediator"]),
        ((nomination(NINO),), ["Ostrava: confirm-mediator", "Vedria: confirm-mediator"]),
        ((nomination(NINO, "declared", OSTRAVA),), ["Vedria: confirm-mediator"]),
        ((nomination(NINO, "declared", OSTRAVA, VEDRIA, independent=False),), NOMINATORS),
        ((nomination(NINO, "confirmed", OSTRAVA, VEDRIA),), NOMINATORS),
        ((proposed(NINO), proposed(PAZ)), ["candidate: confirm-mediator"]),
        (
            (nomination(NINO, "declared", OSTRAVA), nomination(PAZ, "declared", VEDRIA)),
            ["Vedria: confirm-mediator", "Ostrava: confirm-mediator"],
        ),
        (
            (proposed(NINO, OSTRAVA), nomination(PAZ, "declared", OSTRAVA)),
            ["candidate: confirm-mediator", "Vedria: confirm-mediator"],
        ),
        (
            (nomination(NINO, "declared", OSTRAVA, VEDRIA), proposed(PAZ)),
            ["registry: confirm-mediator", "candidate: confirm-mediator"],
        ),
    ],
)
def test_the_case_waits_for_what_each_live_nomination_lacks_first(
    appointments: tuple[AppointmentFact, ...], expected: list[str]
) -> None:
    assert awaited(case("registered", appointments=appointments)) == expected


def test_of_several_parties_only_those_that_have_not_acted_are_awaited() -> None:
    three = (ostrava(), vedria(), lumea())
    assert awaited(case("invited", parties=three)) == ["Vedria: accept-invitation", "Lumea: accept-invitation"]
    assert awaited(case("invited", parties=three, acts=acts("accept-invitation", VEDRIA))) == [
        "Lumea: accept-invitation"
    ]
    signed = acts("freeze-text", None) + acts("sign", OSTRAVA, LUMEA)
    assert awaited(case("settling", parties=three, acts=signed)) == ["Vedria: sign"]


def test_without_a_frozen_text_the_signature_waits_for_the_mediator() -> None:
    assert awaited(case("settling", acts=())) == ["mediator: sign"]


@pytest.mark.parametrize(
    ("stage", "terms", "expected"),
    [
        ("invited", (), None),
        ("invited", (running("reply"),), DUE),
        ("invited", (replace(running("reply"), ended=True),), None),
        ("invited", (running("nomination"),), None),
        ("invited", (running("reply", date(2026, 4, 9)), running("reply", date(2026, 4, 2))), date(2026, 4, 2)),
        ("invited", (running("reply", date(2026, 3, 3)),), date(2026, 3, 3)),
        ("registered", (replace(running("reply"), ended=True), running("nomination")), DUE),
        ("consented", (running("reply"),), None),
        ("settling", (running("reply"), running("nomination")), None),
    ],
)
def test_an_awaited_step_is_due_with_the_term_that_it_would_end(
    stage: str, terms: tuple[TermFact, ...], expected: date | None
) -> None:
    assert {each.due_on for each in waiting(IOMED, case(stage, terms=terms), TODAY)} == {expected}


def test_an_overdue_step_still_shows_its_day() -> None:
    (entry,) = waiting(IOMED, case("invited", terms=(running("reply"),)), date(2027, 1, 1))
    assert entry.due_on == DUE


def test_each_entry_names_the_capacity_and_the_rule_of_the_step() -> None:
    (entry,) = waiting(IOMED, case("invited", parties=(ostrava(), lumea())), TODAY)
    assert (entry.capacity, entry.party_id) == ("responding-party", LUMEA)
    assert entry.citation == Citation(None, "text", "international-mediation.org/scope-of-cases")
