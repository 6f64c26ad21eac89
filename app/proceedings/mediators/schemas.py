"""The roster and appointments as they come in and go out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from app.core.values import Country, In, Languages, Line, Listed, Out, Text
from app.proceedings.cases.schemas import OnPaper


class MediatorIn(In):
    """Somebody who is to be on the roster."""

    user_id: UUID
    nationalities: Annotated[list[Country], Field(min_length=1, max_length=5)]
    languages: Annotated[Languages, Field(min_length=1)]
    expertise: Annotated[list[Line], Field(max_length=50)] = []


class MediatorOut(Out):
    """A mediator on the roster."""

    id: UUID
    user_id: UUID
    name: str
    nationalities: list[str]
    languages: list[str]
    expertise: list[str]
    active: bool


class MediatorList(Listed[MediatorOut]):
    """A page of the roster, in the order of entry."""


class NominationIn(In):
    """Who is proposed as mediator."""

    mediator_id: UUID


class DeclarationOfIndependence(In):
    """What a candidate declares: whether independent and impartial, and what the parties should know."""

    independent: StrictBool
    disclosures: Text | None = None


class AppointmentActIn(OnPaper):
    """An act on an appointment."""


class DeclineIn(In):
    """Why a candidate declines, if they care to say."""

    reason: Text | None = None


class LeaveIn(In):
    """Why a mediator leaves the case."""

    reason: Text


class AppointmentParty(Out):
    """A party, as a candidate's conflict check needs it."""

    side: str
    kind: str
    name: str


class AppointmentCase(Out):
    """What a candidate may know of the case, as it stood when they were nominated."""

    title: str
    subjects: list[str]
    parties: list[AppointmentParty]


class AppointmentOut(Out):
    """An appointment, from the nomination on."""

    id: UUID
    mediator_id: UUID
    name: str
    state: str
    independent: bool | None
    disclosures: str | None
    accepted_by: list[UUID]
    case: AppointmentCase
    proposed_at: datetime
    declared_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None


class AppointmentList(Listed[AppointmentOut]):
    """A page of a case's appointments, in the order of their nomination."""
