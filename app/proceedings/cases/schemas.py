"""Cases as they come in and go out."""

from datetime import date, datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Code, Codes, Day, In, Instant, Languages, Line, Listed, Out, Text, TimeZone
from app.institution.calendars.schemas import CalendarCode
from app.institution.procedures.schemas import MOST_PARTIES, PARTY_KINDS, Side


class Seat(In):
    """Where the mediation is seated: its zone is the one in which days are counted."""

    place: Line
    time_zone: TimeZone
    calendar: CalendarCode | None = None


class Instrument(In):
    """What the dispute or the consent rests on."""

    kind: Literal["treaty", "resolution", "contract", "judgment", "order", "other"]
    title: Line
    citation: Line | None = None
    articles: Annotated[list[Line], Field(max_length=50)] = []


class PartyIn(In):
    """A party of a case; of a new one, the first named is the filer's."""

    side: Side
    kind: PARTY_KINDS
    name: Line
    member_id: UUID | None = None
    calendar: CalendarCode | None = None


class ThirdStateIn(In):
    """A State that is no party but that the dispute involves."""

    name: Line
    member_id: UUID | None = None


Named = TypeVar("Named", bound=PartyIn)


def both_sides(parties: list[Named]) -> list[Named]:
    """The parties, if the first is a requesting and one of them a responding one."""
    sides = [party.side for party in parties]
    if sides[:1] != ["requesting"]:
        raise PydanticCustomError("sides", "Name the requesting party first.")
    if "responding" not in sides:
        raise PydanticCustomError("sides", "Name a party on the side 'responding'.")
    return parties


Instruments = Annotated[list[Instrument], Field(max_length=50)]


class CaseIn(In):
    """A request for mediation, as its filer opens it."""

    procedure: Code
    category: Code
    title: Line
    summary: Text
    parties: Annotated[list[PartyIn], Field(min_length=2, max_length=MOST_PARTIES), AfterValidator(both_sides)]
    third_states: Annotated[list[ThirdStateIn], Field(max_length=20)] = []
    instruments: Instruments = []
    subjects: Annotated[Codes, Field(min_length=1)]
    languages: Annotated[Languages, Field(min_length=1)]
    seat: Seat
    earlier_case_id: UUID | None = None


class CaseAmendment(In):
    """What of a case is to read otherwise; fields left out stay as they are."""

    title: Line | None = None
    summary: Text | None = None
    instruments: Instruments | None = None
    subjects: Annotated[Codes, Field(min_length=1)] | None = None
    languages: Annotated[Languages, Field(min_length=1)] | None = None
    seat: Seat | None = None

    @model_validator(mode="after")
    def says_something(self) -> "CaseAmendment":
        """Refuse an amendment that amends nothing, or that takes away what a case must have."""
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "Name at least one field to amend.")
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("null", "A field that is named needs a value.")
        return self


class OnPaper(In):
    """An act: in one's own name and today, unless the registry enters what a party sent on paper.

    `on` is the day at the seat on which it counts. An earlier one needs a reason, and `received_at` sets it too.
    """

    on: Day | None = None
    received_at: Instant | None = None
    received_via: Literal["post", "courier", "by-hand", "e-mail", "fax", "other"] | None = None
    on_behalf_of: UUID | None = None
    reason: Text | None = None


class SeatOut(Out):
    """The seat."""

    place: str
    time_zone: str
    calendar: str | None


class TrackOut(Out):
    """Proceedings that run beside the stages of the case: open, paused or closed."""

    name: str
    title: str
    state: str


class CasePartyOut(Out):
    """A party, as a case shows it."""

    id: UUID
    side: str
    kind: str
    name: str
    member_id: UUID | None
    participation: str
    calendar: str | None


class CaseThirdStateOut(Out):
    """A third State, as a case shows it."""

    id: UUID
    name: str
    member_id: UUID | None
    consented: bool


class CaseMediatorOut(Out):
    """A mediator of the case."""

    appointment_id: UUID
    user_id: UUID
    name: str
    since: datetime


class WaitingOut(Out):
    """Whom the case waits for, for which step, since when and until when."""

    capacity: str
    party_id: UUID | None
    for_: str = Field(serialization_alias="for", validation_alias="for")
    since: datetime
    due_on: date | None
    article: str | None


class CaseItem(Out):
    """A case as lists show it."""

    id: UUID
    reference: str | None
    title: str
    category: str
    procedure: str
    phase: str
    stage: str
    outcome: str | None
    ground: str | None
    tracks: list[TrackOut]
    subjects: list[str]
    languages: list[str]
    seat: SeatOut
    parties: list[CasePartyOut]
    third_states: list[CaseThirdStateOut]
    mediators: list[CaseMediatorOut]
    waiting_for: list[WaitingOut]
    next_due_on: date | None
    opened_at: datetime
    closed_at: datetime | None
    updated_at: datetime | None
    seq: int | None


class CaseOut(CaseItem):
    """A case, whole."""

    summary: str
    instruments: list[Instrument]
    earlier_case_id: UUID | None
    referral_id: UUID | None


class CaseFilters(In):
    """Which cases are asked for; all that is named must hold."""

    phase: str | None = None
    stage: str | None = None
    procedure: str | None = None
    category: str | None = None
    party: UUID | None = None
    mediator: UUID | None = None
    waiting_for: str | None = None
    due_before: Day | None = None
    updated_since: Instant | None = None
    q: str | None = None


class CaseList(Listed[CaseItem]):
    """A page of cases, the newest first."""
