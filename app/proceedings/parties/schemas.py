"""Parties, representatives, third States and consents, in requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.values import Email, In, Line, Listed, Out, PartyIds, Text, changes_something, one_of
from app.institution.calendars.schemas import CalendarCode
from app.institution.procedures.schemas import PARTY_KINDS, Side
from app.proceedings.cases.schemas import ActingIn, CasePartyOut, CaseThirdStateOut, PartyIn, ThirdStateIn
from app.proceedings.steps.schemas import ConsentBasis, ConsentIn, Office, PowersIn, PowersKind

REPRESENTATIVE_ROLES = Literal["agent", "co-agent", "counsel"]
RepresentativeRole = TypeAliasType(
    "RepresentativeRole",
    Annotated[
        str,
        one_of(
            get_args(REPRESENTATIVE_ROLES),
            "As what somebody acts for a party. An agent binds it; counsel advises and speaks for it.",
        ),
    ],
)


class AddedPartyIn(PartyIn, ActingIn):
    """A party that is to be added to a case."""


class PartyAmendment(ActingIn):
    """A change of a party. Fields that you leave out stay as they are."""

    side: Side | None = Field(
        None,
        description="The side on which the party stands: `requesting`, `responding`, or a further one.",
    )
    kind: PARTY_KINDS | None = Field(None, description="What the party is.")
    name: Line | None = Field(None, description="The name of the party.")
    member_id: UUID | None = Field(
        None, description="The member of the institution that the party is; null if it is none."
    )
    calendar: CalendarCode | None = Field(
        None, description="The calendar of the party's days off: the code of a country or a part of one; null for none."
    )

    @model_validator(mode="after")
    def says_something(self) -> "PartyAmendment":
        """Refuse a change without any field, and null for a field that a party must have."""
        return changes_something(self, nullable=("member_id", "calendar"), besides=ActingIn.model_fields)

    @property
    def changed(self) -> set[str]:
        """The names of the fields of the party that the amendment changes."""
        return self.model_fields_set - set(ActingIn.model_fields)


class NamedStateIn(ThirdStateIn, ActingIn):
    """A third State that is to be named in a case."""


class PartyOut(CasePartyOut):
    """A party of a case."""


class PartyList(Listed[PartyOut]):
    """A page of parties, in the order in which they were named."""


class PartyFilters(In):
    """Which parties a list shows: those that meet every condition."""

    side: Side | None = Field(None, description="Parties on this side.")
    represented: bool | None = Field(None, description="Parties that somebody represents, or the others.")
    mine: bool | None = Field(None, description="Parties that the reader represents, or the others.")
    awaited: bool | None = Field(None, description="Parties for which the case waits, or the others.")
    signed: bool | None = Field(None, description="Parties that have signed the frozen text, or that have still to.")


class RepresentativeIn(In):
    """A person who is to act for a party.

    Name the person by `user_id`, or by `email`. A person without an account is invited, and the registry approves the
    account.
    """

    user_id: UUID | None = Field(None, description="The person, by the id of their account.")
    email: Email | None = Field(None, description="The person, by their e-mail address.")
    name: Line | None = Field(None, description="The name of a person who is invited by `email`.")
    role: REPRESENTATIVE_ROLES = Field(description="As what the person acts for the party.")
    powers: PowersIn = Field(description="The powers by which the person acts.")

    @model_validator(mode="after")
    def of_one_person(self) -> "RepresentativeIn":
        """Refuse a representative who is named neither by user_id nor by email, or by both."""
        if (self.user_id is None) == (self.email is None):
            raise PydanticCustomError("of-one", "Name the person either by 'user_id' or by 'email'.")
        if self.name is not None and self.email is None:
            raise PydanticCustomError(
                "of-one", "A 'name' goes with an 'email' only. Leave it out, or name the person by 'email'."
            )
        return self


class CommonRepresentativeIn(RepresentativeIn):
    """A person who is to act for several parties of one side, by common powers."""

    party_ids: Annotated[PartyIds, Field(min_length=1)] = Field(
        description="The parties for which the person is to act, by their ids; all are on one side."
    )


class CommonRepresentativeOut(Out):
    """A person who was admitted to act for several parties."""

    user_id: UUID | None = Field(description="The person; null while pending.")
    name: str | None = Field(description="The person's name; null while pending.")
    role: RepresentativeRole = Field(description="As what the person acts for the parties.")
    pending: bool = Field(
        description="Whether the person was invited and the registry has still to approve the account."
    )
    party_ids: list[UUID] = Field(description="The parties for which the person was admitted.")
    admitted_at: datetime | None = Field(description="When the person was admitted; null while pending.")


class EndIn(In):
    """Why a person no longer acts for a party, and who ends with that person."""

    reason: Text | None = Field(None, description="The reason.")
    also: Annotated[list[UUID], Field(max_length=200)] = Field(
        default_factory=list,
        description="Representatives whom this person admitted, or whom one of these admitted, and who end in the same "
        "act.",
    )


class OpeningIn(In):
    """Why what is earlier is opened to a representative."""

    reason: Text | None = Field(None, description="The reason. The registry must state one when it proposes this.")


class PowersOut(Out):
    """The powers by which a person acts for a party."""

    kind: PowersKind = Field(description="Full powers, a mandate, or the person's office.")
    issued_by: str = Field(description="Who issued the powers.")
    issued_on: date = Field(description="The day on which they were issued.")


class RepresentativeOut(Out):
    """A person who acts for a party."""

    id: UUID = Field(description="The id of the representative.")
    party_id: UUID = Field(description="The party.")
    user_id: UUID | None = Field(description="The person; null while pending.")
    name: str | None = Field(description="The person's name; null while pending.")
    email: str | None = Field(
        description="While pending, the e-mail address by which the person was invited, as the party's own side and "
        "the registry see it; null for everybody else, and once the person was admitted."
    )
    role: RepresentativeRole = Field(description="As what the person acts for the party.")
    pending: bool = Field(
        description="Whether the person was invited by e-mail and the registry has still to approve them."
    )
    powers: PowersOut | None = Field(
        description="The powers, as the party's own side and the registry see them; null for everybody else, and if "
        "there are none."
    )
    office: Office | None = Field(
        description="The office by which the person represents the party; null if none is on record, and for everybody "
        "who does not see the powers."
    )
    admitted_at: datetime | None = Field(description="When the person was admitted; null while pending.")
    admitted_by: UUID | None = Field(
        description="Who admitted the person, by the id of their account; null for the filer of the request."
    )
    admitted: list[UUID] = Field(
        description="The representatives of the party whom this person admitted and who have not ended, by their ids."
    )
    reads_from_admission: bool = Field(
        description="Whether the person reads only what was written since the registry admitted them, or their agent, "
        "to replace others who had ended."
    )
    opening_proposed_by: UUID | None = Field(
        description="The person of the registry who proposes to open to them what is earlier; null if nobody does."
    )
    ended_at: datetime | None = Field(description="Since when the person no longer acts for the party; otherwise null.")


class RepresentativeList(Listed[RepresentativeOut]):
    """A page of representatives, in the order in which they were admitted."""


class ThirdStateOut(CaseThirdStateOut):
    """A third State that the dispute involves."""


class ThirdStateList(Listed[ThirdStateOut]):
    """A page of third States, in the order in which they were named."""


class ConsentFiled(ConsentIn, ActingIn):
    """A consent to be filed: a party's, given earlier in an instrument, or a third State's."""

    party_id: UUID | None = Field(None, description="The party that consented. Name a party or a third State.")
    third_state_id: UUID | None = Field(
        None, description="The third State that consented. Name a party or a third State."
    )

    @model_validator(mode="after")
    def of_one(self) -> "ConsentFiled":
        """Refuse a consent of neither a party nor a third State, or of both."""
        if (self.party_id is None) == (self.third_state_id is None):
            raise PydanticCustomError("of-one", "Name either a party ('party_id') or a third State ('third_state_id').")
        return self


class ConsentOut(Out):
    """A consent to mediate. It counts once the registry has confirmed it."""

    id: UUID = Field(description="The id of the consent.")
    party_id: UUID | None = Field(description="The party that consented; null for a third State's consent.")
    third_state_id: UUID | None = Field(description="The third State that consented; null for a party's consent.")
    basis: ConsentBasis = Field(description="What the consent rests on.")
    instrument: Line | None = Field(description="The instrument in which the consent is given; null if none is named.")
    given_on: date = Field(description="The day on which the consent was given.")
    filed_at: datetime = Field(description="When the consent was filed.")
    confirmed_at: datetime | None = Field(description="When the registry confirmed it; null if it has not.")


class ConsentList(Listed[ConsentOut]):
    """A page of consents, in the order in which they were filed."""
