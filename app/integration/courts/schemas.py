"""Courts, in requests and answers."""

from datetime import datetime
from uuid import UUID

from pydantic import Field, StrictBool, model_validator

from app.core.values import (
    In,
    Line,
    Listed,
    Out,
    TimeZone,
    changes_something,
)
from app.institution.calendars.schemas import CalendarCode


class CourtIn(In):
    """A court that refers cases. Its place is the seat of the mediation unless the referral names another."""

    name: Line = Field(description="The name of the court.")
    jurisdiction: Line = Field(description="The jurisdiction to which the court belongs.")
    place: Line = Field(description="The place of the court.")
    time_zone: TimeZone = Field(description="The time zone of that place, by its IANA name (`Asia/Hong_Kong`).")
    calendar: CalendarCode | None = Field(
        None,
        description="The calendar of the court's days off: the code of a country (`HK`) or a part of one (`DE-BY`).",
    )


class CourtChange(In):
    """A change of a court's entry. Fields that you leave out stay as they are."""

    name: Line | None = Field(None, description="The name of the court.")
    jurisdiction: Line | None = Field(None, description="The jurisdiction to which the court belongs.")
    place: Line | None = Field(None, description="The place of the court.")
    time_zone: TimeZone | None = Field(None, description="The time zone of that place, by its IANA name.")
    calendar: CalendarCode | None = Field(
        None, description="The calendar of the court's days off; null for a court without one."
    )
    active: StrictBool | None = Field(
        None, description="`false` suspends the court: it can refer no further case, and goes on with its earlier ones."
    )

    @model_validator(mode="after")
    def says_something(self) -> "CourtChange":
        """Refuse a change without any field, and null for a field that a court must have."""
        return changes_something(self, nullable=("calendar",))


class CourtOut(Out):
    """A court that refers cases."""

    id: UUID = Field(description="The id of the court.")
    name: str = Field(description="The name of the court.")
    jurisdiction: str = Field(description="The jurisdiction to which the court belongs.")
    place: str = Field(description="The place of the court.")
    time_zone: str = Field(description="The time zone of that place, by its IANA name.")
    calendar: str | None = Field(description="The code of the calendar of its days off; null if none is named.")
    active: bool = Field(description="Whether the court may refer cases.")
    created_at: datetime = Field(description="When the court was entered.")


class CourtList(Listed[CourtOut]):
    """A page of courts, in the order in which they were entered."""
