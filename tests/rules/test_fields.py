"""The fields of a step: which it takes, and which it needs."""

from datetime import date

import pytest

from app.rules.fields import FieldFault, StepInput, faults_in_fields, names_a_party
from app.rules.loader import library
from app.rules.model import Step

IOMED, ICSID, INDUS, UNCITRAL = (
    library()[id] for id in ("iomed-state-2025", "icsid-2022", "indus-waters-1960", "uncitral-2021")
)
ON = date(2026, 3, 4)
BOTH = frozenset({"consent", "powers"})
CONSENTED = StepInput(blocks=BOTH)


def entry_of(rule_set: str, name: str, by: str) -> Step:
    """The first entry of that name which the capacity takes."""
    return next(entry for entry in library()[rule_set].entries(name) if by in entry.by)


@pytest.mark.parametrize(
    ("rule_set", "name", "by", "fields", "faults"),
    [
        ("iomed-state-2025", "screen", "registry", StepInput(), []),
        # A reason.
        ("iomed-state-2025", "declare-inadmissible", "registry", StepInput(), [("/reason", "missing")]),
        ("iomed-state-2025", "declare-inadmissible", "registry", StepInput(has_reason=True), []),
        ("iomed-state-2025", "screen", "registry", StepInput(has_reason=True), []),
        # The day of a term.
        ("iomed-state-2025", "invite", "registry", StepInput(due_on=date(2026, 3, 5)), []),
        ("iomed-state-2025", "invite", "registry", StepInput(due_on=ON), [("/due_on", "not-after")]),
        ("iomed-state-2025", "screen", "registry", StepInput(due_on=date(2026, 3, 5)), [("/due_on", "no-term")]),
        # A ground.
        ("uncitral-2021", "terminate", "any-party", StepInput(), [("/fields/ground", "ground")]),
        (
            "uncitral-2021",
            "terminate",
            "any-party",
            StepInput(ground="deposit-unpaid"),
            [("/fields/ground", "ground")],
        ),
        ("uncitral-2021", "terminate", "any-party", StepInput(ground="declaration-of-the-parties"), []),
        (
            "uncitral-2021",
            "invite",
            "registry",
            StepInput(ground="deposit-unpaid"),
            [("/fields/ground", "unknown-field")],
        ),
        # A position.
        ("icsid-2022", "agree-number", "any-party", StepInput(), []),
        ("icsid-2022", "agree-number", "any-party", StepInput(position="one"), []),
        ("icsid-2022", "agree-number", "any-party", StepInput(position="many"), [("/fields/position", "position")]),
        ("iomed-state-2025", "screen", "registry", StepInput(position="one"), [("/fields/position", "unknown-field")]),
        # The party that the step is about.
        ("indus-waters-1960", "note-non-appearance", "registry", StepInput(has_reason=True, names_party=True), []),
        (
            "indus-waters-1960",
            "note-non-appearance",
            "registry",
            StepInput(has_reason=True),
            [("/fields/party_id", "missing")],
        ),
        (
            "indus-waters-1960",
            "appear",
            "any-party",
            StepInput(names_party=True),
            [("/fields/party_id", "unknown-field")],
        ),
        # Consent and powers.
        ("iomed-state-2025", "lodge", "requesting-party", CONSENTED, []),
        (
            "iomed-state-2025",
            "lodge",
            "requesting-party",
            StepInput(),
            [("/fields/consent", "missing"), ("/fields/powers", "missing")],
        ),
        (
            "iomed-state-2025",
            "screen",
            "registry",
            CONSENTED,
            [("/fields/consent", "unknown-field"), ("/fields/powers", "unknown-field")],
        ),
    ],
)
def test_a_step_takes_its_fields_and_no_others(
    rule_set: str, name: str, by: str, fields: StepInput, faults: list[tuple[str, str]]
) -> None:
    found = faults_in_fields(library()[rule_set], entry_of(rule_set, name, by), fields, ON)
    assert [(fault.pointer, fault.code) for fault in found] == faults


def test_all_faults_are_reported_in_the_order_of_the_fields() -> None:
    entry = entry_of("uncitral-2021", "terminate", "mediator")
    fields = StepInput(date(2026, 3, 3), False, "boredom", "one", True, BOTH)
    assert [fault.pointer for fault in faults_in_fields(UNCITRAL, entry, fields, ON)] == [
        "/reason",
        "/due_on",
        "/fields/ground",
        "/fields/position",
        "/fields/party_id",
        "/fields/consent",
        "/fields/powers",
    ]


def test_a_message_names_what_the_step_takes_or_needs() -> None:
    lodge, agree = entry_of("iomed-state-2025", "lodge", "requesting-party"), ICSID.entries("agree-number")[0]
    assert list(faults_in_fields(IOMED, lodge, StepInput(blocks=frozenset({"consent"})), ON)) == [
        FieldFault("/fields/powers", "missing", "'lodge' needs 'powers': add it.")
    ]
    (fault,) = faults_in_fields(ICSID, agree, StepInput(position="many"), ON)
    assert fault.message.endswith("one of these positions: one, more-than-one.")


def test_a_party_is_named_where_its_participation_changes_by_the_act_of_somebody_else() -> None:
    named = {step.name for procedure in library().values() for step in procedure.steps if names_a_party(step)}
    assert named == {"note-non-appearance"}
    assert INDUS.entries("appear")[0].participation is not None
