"""Which fields a step takes, and which it needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.rules import engine
from app.rules.model import FIELD_BLOCKS, Procedure, Step


@dataclass(frozen=True, slots=True)
class StepInput:
    """What is submitted with a step; `blocks` are those of FIELD_BLOCKS that are present."""

    due_on: date | None = None
    has_reason: bool = False
    ground: str | None = None
    position: str | None = None
    names_party: bool = False
    blocks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A field that the step does not take, lacks or cannot accept; `pointer` is its JSON pointer in the request."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TakenField:
    """A field that a step takes: its JSON pointer in the request, its type, and the values from which to choose."""

    pointer: str
    type: str
    required: bool
    choices: tuple[str, ...] = ()


def fields_of(procedure: Procedure, entry: Step) -> Iterator[TakenField]:
    """The fields that a step takes in its own request, in their order; none if another act takes the step."""
    if entry.taken_through is not None:
        return
    yield TakenField("/reason", "text", entry.reason)
    if engine.takes_day(procedure, entry):
        yield TakenField("/due_on", "date", required=False)
    if entry.grounds:
        yield TakenField("/fields/ground", "code", required=True, choices=entry.grounds)
    if entry.positions:
        yield TakenField("/fields/position", "code", required=False, choices=entry.positions)
    if names_a_party(entry):
        yield TakenField("/fields/party_id", "id", required=True)
    for name in FIELD_BLOCKS:
        if name in entry.fields:
            yield TakenField(f"/fields/{name}", name, required=True)


def faults_in_fields(procedure: Procedure, entry: Step, fields: StepInput, on: date) -> Iterator[FieldFault]:
    """Every fault in the fields of a step that counts on the day `on`, in the order of the fields."""
    if entry.reason and not fields.has_reason:
        yield FieldFault("/reason", "missing", f"'{entry.name}' needs a reason.")
    yield from _due_on(procedure, entry, fields.due_on, on)
    yield from _ground(entry, fields.ground)
    yield from _position(entry, fields.position)
    if fields.names_party and not names_a_party(entry):
        yield _not_taken(entry, "party_id")
    if not fields.names_party and names_a_party(entry):
        yield FieldFault("/fields/party_id", "missing", f"'{entry.name}' is about a party: name it.")
    for name in FIELD_BLOCKS:
        if name in fields.blocks and name not in entry.fields:
            yield _not_taken(entry, name)
        if name not in fields.blocks and name in entry.fields:
            yield FieldFault(f"/fields/{name}", "missing", f"'{entry.name}' needs '{name}': add it.")


def names_a_party(entry: Step) -> bool:
    """Whether the request must name a party: the step changes a party's participation, and no party takes it."""
    return entry.participation is not None and not any(engine.is_party(capacity) for capacity in entry.by)


def _due_on(procedure: Procedure, entry: Step, due_on: date | None, on: date) -> Iterator[FieldFault]:
    if due_on is None:
        return
    if not engine.takes_day(procedure, entry):
        yield FieldFault(
            "/due_on", "no-term", f"'{entry.name}' starts no term whose day can be set: leave 'due_on' out."
        )
    elif due_on <= on:
        yield FieldFault("/due_on", "not-after", "Give a day after the one on which the step counts.")


def _ground(entry: Step, ground: str | None) -> Iterator[FieldFault]:
    if ground is not None and not entry.grounds:
        yield _not_taken(entry, "ground")
    elif entry.grounds and ground not in entry.grounds:
        detail = f"Name one of the grounds of '{entry.name}': {', '.join(entry.grounds)}."
        yield FieldFault("/fields/ground", "ground", detail)


def _position(entry: Step, position: str | None) -> Iterator[FieldFault]:
    if position is None or position in entry.positions:
        return
    if not entry.positions:
        yield _not_taken(entry, "position")
    else:
        detail = f"A party that takes '{entry.name}' may state one of these positions: {', '.join(entry.positions)}."
        yield FieldFault("/fields/position", "position", detail)


def _not_taken(entry: Step, field: str) -> FieldFault:
    return FieldFault(f"/fields/{field}", "unknown-field", f"'{entry.name}' does not take '{field}': leave it out.")
