"""Parties, representatives, third States and consents as they come in and go out."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from app.cases.schemas import CasePartyOut, CaseThirdStateOut, ConsentIn, PowersIn, ThirdStateIn
from app.values import In, Line, Out

__all__ = ["ThirdStateIn"]


class PartyOut(CasePartyOut):
    """A party of a case."""


class PartyList(Out):
    """A page of parties, in the order in which they were named."""

    items: list[PartyOut]
    next: str | None


class RepresentativeIn(In):
    """Somebody who is to act for a party, and on what."""

    user_id: UUID
    role: Literal["agent", "co-agent", "counsel"]
    powers: PowersIn


class RepresentativeOut(Out):
    """Somebody who acts for a party."""

    id: UUID
    party_id: UUID
    user_id: UUID
    name: str
    role: str
    admitted_at: datetime
    ended_at: datetime | None


class RepresentativeList(Out):
    """A page of representatives, in the order of their admission."""

    items: list[RepresentativeOut]
    next: str | None


class ThirdStateOut(CaseThirdStateOut):
    """A third State, and whether its consent is confirmed."""


class ThirdStateList(Out):
    """A page of third States, in the order in which they were named."""

    items: list[ThirdStateOut]
    next: str | None


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


class ConsentList(Out):
    """A page of consents, in the order of their filing."""

    items: list[ConsentOut]
    next: str | None
