"""The roster of mediators and appointments, in requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, model_validator
from typing_extensions import TypeAliasType

from app.core.values import Country, In, Languages, Line, Listed, Out, Text, changes_something, one_of
from app.institution.procedures.schemas import PartyKind, SideName
from app.proceedings.cases.schemas import ActingIn, OnPaper

APPOINTMENT_STATES = ("proposed", "declared", "confirmed", "declined", "closed", "resigned", "replaced")
AppointmentState = TypeAliasType(
    "AppointmentState",
    Annotated[
        str,
        one_of(
            APPOINTMENT_STATES,
            "`proposed`: nominated. `declared`: the candidate declared. `confirmed`: mediates in the case. `declined`: "
            "the candidate declined. `closed`: the nomination came to nothing. `resigned`, `replaced`: no longer "
            "mediates.",
        ),
    ],
)


class MediatorIn(In):
    """A person who is to be on the roster of mediators."""

    user_id: UUID = Field(description="The person, by the id of their account.")
    nationalities: Annotated[list[Country], Field(min_length=1, max_length=5)] = Field(
        description="The person's nationalities, by the two-letter codes of countries (`KE`)."
    )
    languages: Annotated[Languages, Field(min_length=1)] = Field(
        description="The languages in which the person mediates, by codes (`en`, `zh-Hant`)."
    )
    expertise: Annotated[list[Line], Field(max_length=50)] = Field([], description="The person's fields of expertise.")


class MediatorChange(In):
    """A change of an entry on the roster. Fields that you leave out stay as they are."""

    nationalities: Annotated[list[Country], Field(min_length=1, max_length=5)] | None = Field(
        None, description="All nationalities; they replace the present ones."
    )
    languages: Annotated[Languages, Field(min_length=1)] | None = Field(
        None, description="All languages in which the person mediates; they replace the present ones."
    )
    expertise: Annotated[list[Line], Field(max_length=50)] | None = Field(
        None, description="All fields of expertise; they replace the present ones."
    )
    active: StrictBool | None = Field(
        None,
        description="`false` suspends the entry: nominations that are pending are closed, and nobody can nominate the "
        "mediator. Cases in which the person mediates go on.",
    )

    @model_validator(mode="after")
    def says_something(self) -> "MediatorChange":
        """Refuse a change without any field, and null for a field that an entry must have."""
        return changes_something(self)


class MediatorOut(Out):
    """A mediator on the roster."""

    id: UUID = Field(description="The id of the entry on the roster, by which mediators are nominated.")
    user_id: UUID = Field(description="The person.")
    name: str = Field(description="The mediator's name.")
    nationalities: list[str] = Field(description="The nationalities, by two-letter codes of countries.")
    languages: list[str] = Field(description="The languages in which the person mediates, by codes.")
    expertise: list[str] = Field(description="The fields of expertise.")
    active: bool = Field(description="Whether the mediator can be nominated.")


class MediatorList(Listed[MediatorOut]):
    """A page of the roster, in the order in which mediators were entered."""


class NominationIn(ActingIn):
    """The nomination of a mediator."""

    mediator_id: UUID = Field(description="The mediator, by the id of the entry on the roster.")


class DeclarationOfIndependence(In):
    """What a candidate declares to the parties."""

    independent: StrictBool = Field(description="Whether the candidate is independent and impartial.")
    disclosures: Text | None = Field(None, description="Circumstances that the parties should know.")


class AppointmentActIn(OnPaper):
    """An act on an appointment."""


class DeclineIn(In):
    """Why a candidate declines."""

    reason: Text | None = Field(None, description="The reason; it may be left out.")


class LeaveIn(In):
    """Why a mediator leaves the case."""

    reason: Text = Field(description="The reason.")


class AppointmentParty(Out):
    """A party, as a candidate needs to know it for a conflict check."""

    side: SideName = Field(description="The side on which the party stands.")
    kind: PartyKind = Field(description="What the party is.")
    name: str = Field(description="The name of the party.")


class AppointmentCase(Out):
    """What a candidate may know of the case, as it stood at the nomination."""

    title: str = Field(description="The title of the case.")
    subjects: list[str] = Field(description="What the dispute is about, by codes.")
    parties: list[AppointmentParty] = Field(description="The parties.")


class ObjectionIn(ActingIn):
    """Why a party objects to a mediator."""

    reason: Text = Field(description="The reason, which everybody in the case reads.")


class EarlierDeclarationOut(Out):
    """An earlier declaration, which a later one has replaced."""

    independent: bool = Field(description="Whether the person declared to be independent.")
    disclosures: str | None = Field(description="What the person disclosed; null if nothing.")
    declared_at: datetime = Field(description="When it was made.")


class ObjectionOut(Out):
    """A party's objection to a mediator."""

    party_id: UUID = Field(description="The party.")
    reason: str = Field(description="The reason.")
    objected_at: datetime = Field(description="When the party objected.")


class AppointmentOut(Out):
    """An appointment, from the nomination on."""

    id: UUID = Field(description="The id of the appointment.")
    mediator_id: UUID = Field(description="The mediator, by the id of the entry on the roster.")
    name: str = Field(description="The mediator's name.")
    state: AppointmentState = Field(description="How far the appointment has come.")
    independent: bool | None = Field(
        description="Whether the candidate declared to be independent; null before the declaration."
    )
    disclosures: str | None = Field(description="What the candidate disclosed; null if nothing.")
    earlier_declarations: list[EarlierDeclarationOut] = Field(
        description="Earlier declarations that the present one has replaced, the oldest first."
    )
    objections: list[ObjectionOut] = Field(description="Objections of parties, the oldest first.")
    accepted_by: list[UUID] = Field(
        description="The parties that accept the candidate; they accept again after a changed declaration."
    )
    case: AppointmentCase = Field(description="The case, as the candidate may know it.")
    proposed_at: datetime = Field(description="When the mediator was nominated.")
    declared_at: datetime | None = Field(description="When the present declaration was made; null if not yet.")
    confirmed_at: datetime | None = Field(description="When the registry confirmed the mediator; null if it has not.")
    ended_at: datetime | None = Field(description="When the nomination or the appointment ended; null if it has not.")


class AppointmentList(Listed[AppointmentOut]):
    """A page of a case's appointments, in the order in which mediators were nominated."""
