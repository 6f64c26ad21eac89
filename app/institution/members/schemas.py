"""Members as they come in and go out."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StrictBool, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.core.values import Codes, Day, In, Line, Listed, Out
from app.institution.calendars.schemas import CalendarCode
from app.rules.loader import Standing, subjects

Kind = Literal["state", "organisation"]
Status = Literal["contracting", "signatory", "observer"]
# The field, the code and the sentence.
Fault = tuple[str, str, str]


def _refuse(faults: Iterable[Fault]) -> None:
    """Refuse with each fault at its own field: a plain error of a validator of the whole would name no place."""
    found = [
        InitErrorDetails(type=PydanticCustomError(code, message), loc=(field,), input=None)
        for field, code, message in faults
    ]
    if found:
        raise ValidationError.from_exception_data("the entry", found)


def _ends_before_it_begins(first: date | None, last: date | None) -> Iterator[Fault]:
    if first is not None and last is not None and last < first:
        yield "until_on", "order", "The last day does not come before the first."


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

    @model_validator(mode="after")
    def in_order(self) -> "DeclarationIn":
        """Refuse a declaration that ends before it begins."""
        _refuse(_ends_before_it_begins(self.from_on, self.until_on))
        return self


class DesignationIn(In):
    """A mediator whom a member designated for the institution's panels; no account is needed for that."""

    name: Line
    designated_on: Day
    until_on: Day | None = None
    panel: Line | None = None

    @model_validator(mode="after")
    def in_order(self) -> "DesignationIn":
        """Refuse a designation that ends before it begins."""
        _refuse(_ends_before_it_begins(self.designated_on, self.until_on))
        return self


Declarations = Annotated[list[DeclarationIn], Field(max_length=50)]
Designations = Annotated[list[DesignationIn], Field(max_length=100)]


class MemberIn(In):
    """A member, signatory or observer of the institution; `standing` and `source` say how well that is established."""

    name: Line
    kind: Kind
    status: Status
    signed_on: Day | None = None
    ratified_on: Day | None = None
    acceded_on: Day | None = None
    in_force_on: Day | None = None
    founding: StrictBool = False
    declarations: Declarations = []
    designations: Designations = []
    calendar: CalendarCode | None = None
    standing: Standing | None = None
    source: Line | None = None

    @model_validator(mode="after")
    def holding_together(self) -> "MemberIn":
        """Refuse days and a status that cannot be true at once, and a standing that rests on nothing."""
        _refuse([*_of_status(self), *_of_days(self), *_of_standing(self)])
        return self


def _of_status(given: MemberIn) -> Iterator[Fault]:
    if given.status == "observer":
        for field in ("ratified_on", "acceded_on", "in_force_on"):
            if getattr(given, field) is not None:
                yield field, "observer", "An observer is not bound: it has no such day."
    elif (given.status == "contracting") != (given.in_force_on is not None):
        yield "in_force_on", "in-force", "A contracting member, and no other, has 'in_force_on'."


def _of_days(given: MemberIn) -> Iterator[Fault]:
    if given.ratified_on is not None and given.acceded_on is not None:
        yield "acceded_on", "either", "A member ratifies or accedes, not both."
    for field in ("ratified_on", "acceded_on"):
        day = getattr(given, field)
        if given.signed_on is not None and day is not None and day < given.signed_on:
            yield field, "order", "This day does not come before that of the signature."
    earlier = [day for day in (given.signed_on, given.ratified_on, given.acceded_on) if day is not None]
    if given.in_force_on is not None and any(given.in_force_on < day for day in earlier):
        message = "The entry into force does not come before the signature, ratification or accession."
        yield "in_force_on", "order", message


def _of_standing(given: MemberIn) -> Iterator[Fault]:
    # The institution is its own source of what it established itself.
    if given.standing not in (None, "institution") and given.source is None:
        yield "source", "source-needed", "Name the source from which this is known."


class MemberChange(In):
    """What of a member is to read otherwise; fields left out stay as they are."""

    name: Line | None = None
    status: Status | None = None
    signed_on: Day | None = None
    ratified_on: Day | None = None
    acceded_on: Day | None = None
    in_force_on: Day | None = None
    founding: StrictBool | None = None
    declarations: Declarations | None = None
    designations: Designations | None = None
    calendar: CalendarCode | None = None
    standing: Standing | None = None
    source: Line | None = None


class MemberFilters(In):
    """Which members are asked for; all that is named must hold."""

    status: Status | None = None
    founding: bool | None = None
    kind: Kind | None = None
    bound_on: Day | None = None
    q: str | None = None


class DeclarationOut(Out):
    """Subjects that a member excludes."""

    subjects: list[str]
    from_on: date | None
    until_on: date | None


class DesignationOut(Out):
    """A mediator whom a member designated."""

    name: str
    designated_on: date
    until_on: date | None
    panel: str | None


class MemberOut(Out):
    """A member of the institution."""

    id: UUID
    name: str
    kind: str
    status: str
    signed_on: date | None
    ratified_on: date | None
    acceded_on: date | None
    in_force_on: date | None
    founding: bool
    declarations: list[DeclarationOut]
    designations: list[DesignationOut]
    calendar: str | None
    standing: str | None
    source: str | None


class MemberList(Listed[MemberOut]):
    """A page of members, in the order of their entry."""


class FieldHistoryOut(Out):
    """What a field said before a change and what it has said since."""

    before: Any
    after: Any


class MemberEventOut(Out):
    """One change of a member's entry: each field that it touched, by name."""

    at: datetime
    act: str
    changes: dict[str, FieldHistoryOut]
    article: str | None


class MemberHistory(Listed[MemberEventOut]):
    """A page of a member's history, the oldest change first."""
