"""Closures in requests and answers."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Day, In, Line, Listed, Out, of_form
from app.institution.calendars.countries import is_known

LONGEST = 60
POSSIBLE_DAYS = f"A closure must end on its first day or later, and have at most {LONGEST} days."


def has_possible_days(from_on: date, until_on: date) -> bool:
    """Whether a closure can have these days as its first and its last one."""
    return 0 <= (until_on - from_on).days < LONGEST


def _known(code: str) -> str:
    if not is_known(code):
        raise PydanticCustomError(
            "calendar", "There is no calendar with that code. Name a country (`HK`) or a part of one (`DE-BY`)."
        )
    return code


_CALENDAR = r"^[A-Z]{2}(-[A-Z0-9]{1,4})?$"
CalendarCode = Annotated[
    str,
    StringConstraints(pattern=_CALENDAR),
    of_form(_CALENDAR, "calendar", "Name a country by its code (`HK`) or a part of one (`DE-BY`)."),
    AfterValidator(_known),
]


class ClosureIn(In):
    """Days on which a place or the institution rests, in addition to its calendar."""

    calendar: CalendarCode | None = Field(
        None,
        description="The place, by the code of its calendar: a country (`HK`) or a part of one (`DE-BY`). Without it, "
        "the institution rests.",
    )
    from_on: Day = Field(description="The first day.")
    until_on: Day = Field(
        description="The last day: the first or a later one, so that the closure has at most 60 days."
    )
    name: Line = Field(description="Why the place rests.")

    @model_validator(mode="after")
    def in_order(self) -> "ClosureIn":
        """Refuse a closure that ends before it begins, or that is too long."""
        if not has_possible_days(self.from_on, self.until_on):
            raise PydanticCustomError("order", POSSIBLE_DAYS)
        return self


class ClosureOut(Out):
    """Days on which a place or the institution rests, in addition to its calendar."""

    id: UUID = Field(description="The id of the closure.")
    calendar: str | None = Field(description="The place, by the code of its calendar; null if the institution rests.")
    from_on: date = Field(description="The first day.")
    until_on: date = Field(description="The last day.")
    name: str = Field(description="Why the place rests.")
    entered_at: datetime = Field(description="When the registry entered the closure.")
    withdrawn_at: datetime | None = Field(description="When the registry withdrew it; null while terms count by it.")


class ClosureList(Listed[ClosureOut]):
    """A page of closures, the earliest first."""
