"""Courts and their referrals as they come in and go out."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Code, Codes, Day, Email, In, Languages, Line, Listed, Out, Text, TimeZone, clean
from app.institution.calendars.schemas import CalendarCode
from app.institution.procedures.schemas import MOST_PARTIES
from app.proceedings.cases.schemas import PartyIn, Seat, both_sides

MOST_BYTES, DEEPEST, LONGEST_NAME = 16_384, 8, 200
STATES = Literal["received", "more-asked", "accepted", "declined", "withdrawn"]


class CourtIn(In):
    """A court that refers cases; a mediation on its referral is seated in its place unless the court says otherwise."""

    name: Line
    jurisdiction: Line
    place: Line
    time_zone: TimeZone
    calendar: CalendarCode | None = None


class CourtOut(Out):
    """A court."""

    id: UUID
    name: str
    jurisdiction: str
    place: str
    time_zone: str
    calendar: str | None
    created_at: datetime


class CourtList(Listed[CourtOut]):
    """A page of courts, in the order in which they were entered."""


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """The court's own fields, if they are small, shallow and readable; they are kept as they are."""
    _readable(value, 1)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MOST_BYTES:
        raise PydanticCustomError("external-size", "These fields take more than 16 KiB.")
    return value


def _readable(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise PydanticCustomError("external-depth", "These fields are nested deeper than 8 levels.")
    if isinstance(value, str):
        clean(value)
    for one in value if isinstance(value, list) else ():
        _readable(one, depth + 1)
    for name, one in value.items() if isinstance(value, dict) else ():
        if len(name) > LONGEST_NAME:
            raise PydanticCustomError("external-name", "A name among these fields is longer than 200 characters.")
        clean(name)
        _readable(one, depth + 1)


External = Annotated[dict[str, Any], AfterValidator(_bounded)]


class ReferredRepresentative(In):
    """Who acts for a party before the court, and where they are reached."""

    name: Line
    role: Literal["agent", "counsel"] = "counsel"
    email: Email | None = None


class ReferredParty(PartyIn):
    """A party of the court's case; the one that brings the referral is named first, as requesting."""

    email: Email | None = None
    representatives: Annotated[list[ReferredRepresentative], Field(max_length=10)] = []


class Order(In):
    """The order of referral: its number and day, and its text."""

    number: Line | None = None
    made_on: Day
    text: Text


Parties = Annotated[list[ReferredParty], Field(min_length=2, max_length=MOST_PARTIES), AfterValidator(both_sides)]


class ReferralIn(In):
    """A case that a court refers; `external_id` is the court's own, and `external` its own fields."""

    external_id: Annotated[Line, Field(max_length=200)]
    case_number: Line
    title: Line
    category: Code = "court-referred"
    parties: Parties
    order: Order
    return_on: Day
    subjects: Annotated[Codes, Field(min_length=1)]
    languages: Annotated[Languages, Field(min_length=1)]
    seat: Seat | None = None
    external: External = {}


class ReferralAmendment(In):
    """What of a referral is to read otherwise; fields left out stay, and the return date is extended by its own act."""

    case_number: Line | None = None
    title: Line | None = None
    parties: Parties | None = None
    order: Order | None = None
    subjects: Annotated[Codes, Field(min_length=1)] | None = None
    languages: Annotated[Languages, Field(min_length=1)] | None = None
    external: External | None = None

    @model_validator(mode="after")
    def says_something(self) -> "ReferralAmendment":
        """Refuse an amendment that amends nothing, or that takes away what a referral must have."""
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "Name at least one field to amend.")
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("null", "A field that is named needs a value.")
        return self


class ReturnDateIn(In):
    """A later day on which the court wants its report."""

    return_on: Day


class AskIn(In):
    """What the registry still needs, in codes, and in words if it likes."""

    lacks: Annotated[
        list[Literal["parties", "representatives", "order", "return-date", "subjects", "languages", "other"]],
        Field(min_length=1, max_length=7),
    ]
    note: Text | None = None


class RefusalIn(In):
    """Why the registry declines a referral, in a code, and in words if it likes."""

    reason: Literal["outside-scheme", "not-suitable", "incomplete", "duplicate", "conflict-of-interest", "other"]
    note: Text | None = None


class ReferralAcceptance(In):
    """Under which rules the registry takes the case in; without a category, under the one that they are for."""

    procedure: Code = "court-referred"
    category: Code | None = None
    seat: Seat | None = None


class OrderFileOut(Out):
    """The order as a file, which is read at `…/order` of the referral, or of the case."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str


class AnswerOut(Out):
    """What the registry answered the court: what it lacks, or why it declines."""

    codes: list[str]
    note: str | None
    at: datetime


class SessionDates(Out):
    """When a joint session is or was held, and nothing else of it."""

    starts_at: datetime
    ends_at: datetime
    state: str


class Suspension(Out):
    """A time for which the court's own proceedings stood still; without an end, they still do."""

    from_at: datetime
    until_at: datetime | None


class Attendance(Out):
    """Whether a party was represented at a joint session."""

    side: str
    name: str
    attended: bool


class ReportOut(Out):
    """What the court may be told of the end: that, who attended, whether it was settled, and a coded reason."""

    took_place: bool
    ended_on: date
    settled: Literal["whole", "part", "none"]
    reason: str | None
    attendance: list[Attendance]
    reported_at: datetime


class ReferralOut(Out):
    """A referral, and what became of it in broad words.

    `external_text` is `external` as a text, for readers whose numbers are binary. `sessions` are told once every party
    has agreed to that, and only joint ones.
    """

    id: UUID
    court_id: UUID
    court: str
    external_id: str
    state: STATES
    case_number: str
    title: str
    category: str
    parties: list[ReferredParty]
    order: Order
    order_file: OrderFileOut | None
    return_on: date
    subjects: list[str]
    languages: list[str]
    seat: Seat | None
    external: dict[str, Any]
    external_text: str
    answer: AnswerOut | None
    case_id: UUID | None
    reference: str | None
    phase: str | None
    sessions: list[SessionDates] | None
    suspensions: list[Suspension]
    report: ReportOut | None
    received_at: datetime
    updated_at: datetime


class ReferralList(Listed[ReferralOut]):
    """A page of referrals, the newest first."""


class PaperOut(Out):
    """When something passed between the court and the registry, and what kind of thing it was."""

    kind: str
    at: datetime


class ReferralInCase(Out):
    """What the court sent about a case, as it stands, and what it was told of the end."""

    referral_id: UUID
    court_id: UUID
    court: str
    external_id: str
    case_number: str
    title: str
    parties: list[ReferredParty]
    order: Order
    order_file: OrderFileOut | None
    return_on: date
    subjects: list[str]
    languages: list[str]
    external: dict[str, Any]
    external_text: str
    withdrawn_at: datetime | None
    dates_shared_by: list[UUID]
    report: ReportOut | None
    papers: list[PaperOut]
