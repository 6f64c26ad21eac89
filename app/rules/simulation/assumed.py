"""What a simulation assumes: the parties, their calendars and the acts."""

from dataclasses import dataclass
from datetime import date, time

from app.rules.terms import Calendar


class SimulationFault(ValueError):
    """An input that cannot be simulated: the index of its act (None if it is no act's), its field, code and detail."""

    def __init__(self, act: int | None, field: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.act = act
        self.field = field
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AssumedParty:
    """A party of the simulated case."""

    name: str
    side: str
    kind: str = "state"


@dataclass(frozen=True, slots=True)
class Calendars:
    """The calendars of the seat, of the institution, and of each party in the order of the parties."""

    seat: Calendar
    institution: Calendar
    parties: tuple[Calendar, ...]


@dataclass(frozen=True, slots=True)
class AssumedAct:
    """An act on a day: a step by its name, or `serve`, `extend`, `waive`, `suspend` or `resume`.

    `by` is a capacity. `party` names the party that acts or, where no party acts, the party that the act is about.
    `due_on` and `ground` are fields of a step, `settles` (`whole` or `part`) is for a text that is frozen, `term` names
    the term that an act changes, and `until_on` is the new last day of a term that is extended. `received_via` and
    `received_time` say how and when what a party sent on paper reached the registry on the day `on`; `why` is then why
    the act counts on a later one.
    """

    step: str
    on: date
    by: str | None = None
    party: str | None = None
    due_on: date | None = None
    ground: str | None = None
    settles: str = "whole"
    term: str | None = None
    until_on: date | None = None
    received_via: str | None = None
    received_time: time | None = None
    why: str | None = None
