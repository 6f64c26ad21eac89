"""A dispute between two fictional States as facts for the rules, and small changes of it."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.rules.engine import decide
from app.rules.loader import library
from app.rules.model import (
    ActFact,
    AppointmentFact,
    Decision,
    Declaration,
    Facts,
    Holding,
    PartyFact,
    Procedure,
    Refused,
    TermFact,
    ThirdStateFact,
)

IOMED: Procedure = library()["iomed-state-2025"]

OSTRAVA, VEDRIA, LUMEA, MARROW = (UUID(int=number) for number in (1, 2, 3, 4))
NINO, PAZ = UUID(int=11), UUID(int=12)

LODGED_ON = date(2026, 3, 2)
TODAY = date(2026, 3, 16)
DUE = date(2026, 4, 1)

FOR_OSTRAVA = Holding("requesting-party", OSTRAVA)
FOR_VEDRIA = Holding("responding-party", VEDRIA)
FOR_LUMEA = Holding("responding-party", LUMEA)
REGISTRY = Holding("registry")
MEDIATOR = Holding("mediator")

OPEN = "open"


def party(id: UUID, side: str, name: str, **changes: Any) -> PartyFact:
    """A State that has consented and for which the convention is in force."""
    return replace(PartyFact(id, side, "state", name, consented=True, in_force_on=date(2025, 8, 29)), **changes)


def ostrava(**changes: Any) -> PartyFact:
    """The requesting State."""
    return party(OSTRAVA, "requesting", "Ostrava", **changes)


def vedria(**changes: Any) -> PartyFact:
    """The responding State."""
    return party(VEDRIA, "responding", "Vedria", **changes)


def lumea(**changes: Any) -> PartyFact:
    """A second responding State, on a side of its own."""
    return party(LUMEA, "side-3", "Lumea", **changes)


def marrow(*, consented: bool) -> ThirdStateFact:
    """A third State that the dispute concerns."""
    return ThirdStateFact(MARROW, "Marrow", consented)


def nomination(
    id: UUID = NINO,
    state: str = "declared",
    *accepted_by: UUID,
    independent: bool | None = True,
) -> AppointmentFact:
    """A nomination, by default declared independent, accepted by these parties."""
    return AppointmentFact(id, state, independent, frozenset(accepted_by))


def proposed(id: UUID = NINO, *accepted_by: UUID) -> AppointmentFact:
    """A nomination whose candidate has not answered yet."""
    return AppointmentFact(id, "proposed", None, frozenset(accepted_by))


def excluding(*subjects: str, from_on: date | None = None, until_on: date | None = None) -> Declaration:
    """A declaration that excludes these subjects."""
    return Declaration(frozenset(subjects), from_on, until_on)


def acts(step: str, *parties: UUID | None) -> tuple[ActFact, ...]:
    """The step, as taken for each of these parties."""
    return tuple(ActFact(step, each) for each in parties)


def running(name: str, due_on: date = DUE) -> TermFact:
    """A term that has not been ended."""
    return TermFact(name, due_on, ended=False)


def case(stage: str, **changes: Any) -> Facts:
    """The dispute at that stage, with every need met and every gate passed, except for the changes."""
    facts = Facts(
        stage=stage,
        subjects=frozenset({"water-sharing"}),
        lodged_on=LODGED_ON,
        parties=(ostrava(), vedria()),
        appointments=(nomination(NINO, "declared", OSTRAVA, VEDRIA),),
        acts=acts("freeze-text", None),
    )
    return replace(facts, **changes)


def refusal(facts: Facts, step: str, *holdings: Holding, on: date = TODAY, procedure: Procedure = IOMED) -> Refused:
    """The refusal of the step; the test fails if the step is open."""
    with pytest.raises(Refused) as caught:
        decide(procedure, facts, step, holdings, on)
    return caught.value


def answer(facts: Facts, step: str, *holdings: Holding, on: date = TODAY, procedure: Procedure = IOMED) -> str:
    """`open`, or the code of the refusal."""
    try:
        decide(procedure, facts, step, holdings, on)
    except Refused as refused:
        return refused.code
    return OPEN


def take(facts: Facts, step: str, *holdings: Holding, subject: UUID | None = None, on: date = TODAY) -> Facts:
    """The case once the step is taken."""
    decision = decide(IOMED, replace(facts, subject=subject), step, holdings, on)
    return afterwards(facts, decision, on)


def afterwards(facts: Facts, decision: Decision, on: date) -> Facts:
    """The case after a decision."""
    step = decision.step
    consenting = decision.party_id if step.name in ("lodge", "accept-invitation") else None
    over = step.ends if decision.completes else ()
    return replace(
        facts,
        stage=decision.stage,
        subject=None,
        lodged_on=on if step.lodges else facts.lodged_on,
        parties=tuple(replace(party, consented=party.consented or party.id == consenting) for party in facts.parties),
        acts=(*(act for act in facts.acts if act.step not in step.voids), ActFact(step.name, decision.party_id)),
        terms=(
            *(replace(term, ended=term.ended or term.name in over) for term in facts.terms),
            *(running(name) for name in step.starts),
        ),
    )
