"""Parties, representatives, third States and consents as they come in and go out."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Email, In, Line, Listed, Out, Text
from app.proceedings.cases.schemas import CasePartyOut, CaseThirdStateOut, ThirdStateIn
from app.proceedings.steps.schemas import ConsentIn, PowersIn

__all__ = ["ThirdStateIn"]


class PartyOut(CasePartyOut):
    """A party of a case."""


class PartyList(Listed[PartyOut]):
    """A page of parties, in the order in which they were named."""


class RepresentativeIn(In):
    """Somebody who is to act for a party, and on what: by their account, or by the address at which to reach them.

    Who has no account yet is invited under `name`; the registry approves the account.
    """

    user_id: UUID | None = None
    email: Email | None = None
    name: Line | None = None
    role: Literal["agent", "co-agent", "counsel"]
    powers: PowersIn

    @model_validator(mode="after")
    def of_one_person(self) -> "RepresentativeIn":
        """Refuse nobody, or somebody who is named in two ways."""
        if (self.user_id is None) == (self.email is None):
            raise PydanticCustomError("of-one", "Name somebody either by 'user_id' or by 'email'.")
        if self.name is not None and self.email is None:
            raise PydanticCustomError("of-one", "A name goes with an 'email' only.")
        return self


class EndIn(In):
    """Why somebody acts for a party no longer, if there is something to say."""

    reason: Text | None = None


class PowersOut(Out):
    """On what somebody acts for a party."""

    kind: str
    issued_by: str
    issued_on: date


class RepresentativeOut(Out):
    """Somebody who acts for a party; `pending` until the account of one who was invited is approved.

    `powers` are shown to the party's own side and to the registry.
    """

    id: UUID
    party_id: UUID
    user_id: UUID
    name: str
    role: str
    pending: bool
    powers: PowersOut | None
    admitted_at: datetime | None
    ended_at: datetime | None


class RepresentativeList(Listed[RepresentativeOut]):
    """A page of representatives, in the order of their admission."""


class ThirdStateOut(CaseThirdStateOut):
    """A third State, and whether its consent is confirmed."""


class ThirdStateList(Listed[ThirdStateOut]):
    """A page of third States, in the order in which they were named."""


class ConsentFiled(ConsentIn):
    """A consent filed for a party (a prior instrument) or for a third State."""

    party_id: UUID | None = None
    third_state_id: UUID | None = None

    @model_validator(mode="after")
    def of_one(self) -> "ConsentFiled":
        """Refuse a consent of nobody, or of two."""
        if (self.party_id is None) == (self.third_state_id is None):
            raise PydanticCustomError("of-one", "Name either a party or a third State.")
        return self


class ConsentOut(Out):
    """A consent to mediate; it counts once confirmed."""

    id: UUID
    party_id: UUID | None
    third_state_id: UUID | None
    basis: str
    instrument: Line | None
    given_on: date
    filed_at: datetime
    confirmed_at: datetime | None


class ConsentList(Listed[ConsentOut]):
    """A page of consents, in the order of their filing."""
