"""Members as they come in and go out."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.rules.loader import subjects
from app.values import Codes, Day, In, Line, Listed, Out


class DeclarationIn(In):
    """Subjects that a member excludes from mediation, from and until which day."""

    subjects: Annotated[Codes, Field(min_length=1)]
    from_on: Day | None = None
    until_on: Day | None = None

    @field_validator("subjects")
    @classmethod
    def known(cls, named: list[str]) -> list[str]:
        """Refuse a subject that the vocabulary does not have."""
        if not set(named) <= set(subjects()):
            raise PydanticCustomError("unknown-subject", "Name subjects by the codes of this institution.")
        return named


class MemberIn(In):
    """A member, signatory or observer of the institution."""

    name: Line
    kind: Literal["state", "organisation"]
    status: Literal["contracting", "signatory", "observer"]
    signed_on: Day | None = None
    ratified_on: Day | None = None
    in_force_on: Day | None = None
    founding: StrictBool = False
    declarations: Annotated[list[DeclarationIn], Field(max_length=50)] = []

    @model_validator(mode="after")
    def bound(self) -> "MemberIn":
        """Refuse a contracting member for whom the convention has no day of entry into force."""
        if (self.status == "contracting") != (self.in_force_on is not None):
            raise PydanticCustomError("in-force", "A contracting member, and no other, has 'in_force_on'.")
        return self


class MemberChange(In):
    """What of a member is to read otherwise; fields left out stay as they are."""

    name: Line | None = None
    status: Literal["contracting", "signatory", "observer"] | None = None
    signed_on: Day | None = None
    ratified_on: Day | None = None
    in_force_on: Day | None = None
    founding: StrictBool | None = None
    declarations: Annotated[list[DeclarationIn], Field(max_length=50)] | None = None


class DeclarationOut(Out):
    """Subjects that a member excludes."""

    subjects: list[str]
    from_on: date | None
    until_on: date | None


class MemberOut(Out):
    """A member of the institution."""

    id: UUID
    name: str
    kind: str
    status: str
    signed_on: date | None
    ratified_on: date | None
    in_force_on: date | None
    founding: bool
    declarations: list[DeclarationOut]


class MemberList(Listed[MemberOut]):
    """A page of members, in the order of their entry."""
