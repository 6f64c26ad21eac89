"""Closures as they come in and go out."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Day, In, Line, Listed, Out, only_text
from app.institution.calendars.countries import is_known

LONGEST = 60


def _known(code: str) -> str:
    if not is_known(code):
        raise PydanticCustomError("calendar", "There is no calendar of that code: name a country, or a part of one.")
    return code


CalendarCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,4})?$"),
    BeforeValidator(only_text),
    AfterValidator(_known),
]


class ClosureIn(In):
    """Days on which the institution rests, or a place by its calendar's code."""

    calendar: CalendarCode | None = None
    from_on: Day
    until_on: Day
    name: Line

    @model_validator(mode="after")
    def in_order(self) -> "ClosureIn":
        """Refuse a closure that ends before it begins, or that never ends."""
        if not 0 <= (self.until_on - self.from_on).days < LONGEST:
            raise PydanticCustomError("order", f"A closure ends on its first day or later, within {LONGEST} days.")
        return self


class ClosureOut(Out):
    """Days on which a place rests; without a calendar it is the institution."""

    id: UUID
    calendar: str | None
    from_on: date
    until_on: date
    name: str
    entered_at: datetime


class ClosureList(Listed[ClosureOut]):
    """A page of closures, the earliest first."""
