"""Sessions as they come in and go out."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.core.values import Code, Day, In, Line, Listed, Out, PartyIds, Text

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")


def _time(value: Any) -> datetime:
    if isinstance(value, str) and _LOCAL.fullmatch(value) and 1800 <= int(value[:4]) <= 2999:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    detail = "A time is needed: 2027-03-08T10:00 at the seat, or with an offset as 2027-03-08T15:00:00Z."
    raise PydanticCustomError("time", detail)


# With an offset it is that instant; without one it is the wall clock at the seat of the case.
SeatTime = Annotated[datetime, BeforeValidator(_time)]


class SessionIn(In):
    """A session to be scheduled."""

    kind: Literal["joint", "caucus"]
    title: Line
    starts_at: SeatTime
    ends_at: SeatTime
    audience: Code
    party_ids: PartyIds = []
    place: Line | None = None


class Attendee(In):
    """Who was there, as what, and for which party."""

    name: Line
    capacity: Line
    party_id: UUID | None = None


class HoldIn(In):
    """A session that was held, with whom; a day before today, at the seat, needs a reason."""

    on: Day | None = None
    reason: Text | None = None
    attendance: Annotated[list[Attendee], Field(min_length=1, max_length=200)]


class PutOffIn(In):
    """Why a session does not take place, or is broken off."""

    reason: Text


class AttendeeOut(Out):
    """Who was there."""

    name: str
    capacity: str
    party_id: UUID | None


class SessionOut(Out):
    """A session; `starts_local` and `ends_local` are the wall clock at the seat, `reason` why it was put off."""

    id: UUID
    kind: str
    title: str
    state: str
    audience: str
    party_ids: list[UUID]
    place: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    starts_local: str
    ends_local: str
    held_on: date | None
    attendance: list[AttendeeOut] | None
    reason: str | None


class SessionList(Listed[SessionOut]):
    """A page of sessions, in the order of their beginning."""
