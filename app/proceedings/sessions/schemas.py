"""Sessions of a case, in requests and answers."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.ledger.schemas import AudienceName
from app.core.values import Code, Day, In, Line, Listed, Out, PartyIds, Text, one_of

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")


def _time(value: Any) -> datetime:
    if isinstance(value, str) and _LOCAL.fullmatch(value) and 1800 <= int(value[:4]) <= 2999:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    detail = "Send a time as 2027-03-08T10:00 (at the seat), or with an offset as 2027-03-08T15:00:00Z."
    raise PydanticCustomError("time", detail)


KINDS = Literal["joint", "caucus"]
STATES = ("scheduled", "held", "adjourned", "cancelled")
SessionKind = TypeAliasType(
    "SessionKind",
    Annotated[str, one_of(get_args(KINDS), "`joint`: with all sides. `caucus`: with one side in confidence.")],
)
SessionState = TypeAliasType("SessionState", Annotated[str, one_of(STATES, "What became of a session.")])
# With an offset it is that instant; without one it is the wall clock at the seat of the case.
# The format `date-time` would promise an offset.
SeatTime = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string"})]


class SessionIn(In):
    """A session to be scheduled."""

    kind: KINDS = Field(description="`joint`: with all sides. `caucus`: with one side in confidence.")
    title: Line = Field(description="The title of the session.")
    starts_at: SeatTime = Field(
        description="When it begins: the time at the seat (`2027-03-08T10:00`), or an instant with an offset "
        "(`2027-03-08T10:00:00Z`)."
    )
    ends_at: SeatTime = Field(description="When it ends, in either of the same forms.")
    audience: Code = Field(
        description="Who may know of the session: `participants` for a joint session, `caucus` for a caucus."
    )
    party_ids: PartyIds = Field([], description="The parties with which a caucus is held.")
    place: Line | None = Field(None, description="Where the session takes place.")
    despite_overlap: StrictBool = Field(
        False, description="Whether to schedule it although you, the mediator, have another session at that time."
    )


class Attendee(In):
    """A person who attended a session."""

    name: Line = Field(description="The person's name.")
    capacity: Line = Field(description="As what the person attended, in words.")
    party_id: UUID | None = Field(None, description="The party for which the person attended.")


class HoldIn(In):
    """A record of a session that was held."""

    on: Day | None = Field(None, description="The day at the seat on which it was held; today if left out.")
    reason: Text | None = Field(None, description="Why it is recorded late; needed if `on` is before today.")
    attendance: Annotated[list[Attendee], Field(min_length=1, max_length=200)] = Field(description="Who attended.")


class PutOffIn(In):
    """Why a session is adjourned or cancelled."""

    reason: Text = Field(description="The reason.")


class AttendeeOut(Out):
    """A person who attended a session."""

    name: str = Field(description="The person's name.")
    capacity: str = Field(description="As what the person attended, in words.")
    party_id: UUID | None = Field(description="The party for which the person attended; null if for none.")


class OverlapOut(Out):
    """Another session at the same time."""

    case_id: UUID = Field(description="The id of its case.")
    session_id: UUID = Field(description="The id of the session.")


class SessionOut(Out):
    """A session of the mediation."""

    id: UUID = Field(description="The id of the session.")
    kind: SessionKind = Field(description="Whether it is a joint session or a caucus.")
    title: str = Field(description="The title of the session.")
    state: SessionState = Field(description="What became of the session.")
    audience: AudienceName = Field(description="Who may know of the session.")
    party_ids: list[UUID] = Field(description="The parties with which a caucus is held; empty for a joint session.")
    place: str | None = Field(description="Where it takes place; null if nobody said.")
    starts_at: datetime = Field(description="When it begins.")
    ends_at: datetime = Field(description="When it ends.")
    time_zone: str = Field(description="The time zone at the seat, by its IANA name.")
    starts_local: str = Field(description="When it begins by the clock at the seat, with its offset.")
    ends_local: str = Field(description="When it ends by the clock at the seat, with its offset.")
    held_on: date | None = Field(description="The day at the seat on which it was held; null if it was not.")
    attendance: list[AttendeeOut] | None = Field(description="Who attended; null if it was not held.")
    reason: str | None = Field(
        description="Why it was adjourned or cancelled, or recorded late; null if there is no reason."
    )
    overlaps: list[OverlapOut] = Field(
        description="If you are its mediator, your other sessions at the same time. For the registry, other joint "
        "sessions at that time with the same mediator, representative or member. Empty for everybody else."
    )


class SessionList(Listed[SessionOut]):
    """A page of sessions, in the order in which they begin."""
