"""Members of the institution, in requests and answers."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import Field, StrictBool, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.values import Codes, Day, In, Line, Listed, Out, one_of
from app.institution.calendars.schemas import CalendarCode
from app.institution.members.periods import Fault, faults_of_days, faults_of_sequence
from app.institution.procedures.schemas import StandingName
from app.rules.loader import Standing, subjects

Kind = Literal["state", "organisation"]
Status = Literal["contracting", "signatory", "observer"]
MemberKind = TypeAliasType("MemberKind", Annotated[str, one_of(get_args(Kind), "What a member is.")])
MemberStatus = TypeAliasType(
    "MemberStatus",
    Annotated[
        str,
        one_of(
            get_args(Status),
            "`contracting`: the convention is in force for the member, in the periods that the entry states. "
            "`signatory`: it signed. `observer`: it is not bound.",
        ),
    ],
)


def _refuse(faults: Iterable[Fault]) -> None:
    """Raise a ValidationError with each fault at its own field, which an error of a model validator cannot name."""
    details = [
        InitErrorDetails(type=PydanticCustomError(code, message), loc=(field,), input=None)
        for field, code, message in faults
    ]
    if details:
        raise ValidationError.from_exception_data("the entry", details)


def _ends_before_it_begins(first: date | None, last: date | None) -> Iterator[Fault]:
    if first is not None and last is not None and last < first:
        yield "until_on", "order", "The last day must not come before the first."


class DeclarationIn(In):
    """Subjects that a member excludes from mediation by a declaration."""

    subjects: Annotated[Codes, Field(min_length=1)] = Field(
        description="The excluded subjects, by their codes (`listSubjects`)."
    )
    from_on: Day | None = Field(None, description="The first day on which the declaration holds; null if always.")
    until_on: Day | None = Field(None, description="The last day on which it holds; null if it has no end.")

    @field_validator("subjects")
    @classmethod
    def known(cls, named: list[str]) -> list[str]:
        """Refuse a subject that the vocabulary does not have."""
        if not set(named) <= set(subjects()):
            raise PydanticCustomError(
                "unknown-subject",
                "A subject is unknown to this institution. Use the codes that `GET /v1/subjects` lists.",
            )
        return named

    @model_validator(mode="after")
    def in_order(self) -> "DeclarationIn":
        """Refuse a declaration that ends before it begins."""
        _refuse(_ends_before_it_begins(self.from_on, self.until_on))
        return self


class DesignationIn(In):
    """A mediator whom a member designated for the institution's panels. The mediator needs no account."""

    name: Line = Field(description="The mediator's name.")
    designated_on: Day = Field(description="The first day of the designation.")
    until_on: Day | None = Field(None, description="The last day of the designation; null if it has no end.")
    panel: Line | None = Field(None, description="The panel; null if the member named none.")

    @model_validator(mode="after")
    def in_order(self) -> "DesignationIn":
        """Refuse a designation that ends before it begins."""
        _refuse(_ends_before_it_begins(self.designated_on, self.until_on))
        return self


class MembershipIn(In):
    """An earlier membership, which has ended."""

    ratified_on: Day | None = Field(None, description="The day of ratification; a member ratifies or accedes.")
    acceded_on: Day | None = Field(None, description="The day of accession; a member ratifies or accedes.")
    in_force_on: Day = Field(description="The day on which the convention came into force for it.")
    withdrawal_notified_on: Day | None = Field(
        None, description="The day on which the notice of its withdrawal was received; null if there was none."
    )
    ceases_on: Day = Field(description="The first day on which the convention was no longer in force for it.")

    @model_validator(mode="after")
    def in_order(self) -> "MembershipIn":
        """Refuse days that contradict each other."""
        _refuse(faults_of_days(self))
        return self


EarlierPeriods = Annotated[list[MembershipIn], Field(max_length=20)]
Declarations = Annotated[list[DeclarationIn], Field(max_length=50)]
Designations = Annotated[list[DesignationIn], Field(max_length=100)]


class MemberIn(In):
    """A State or organisation that is bound by the convention, signed it, or observes."""

    name: Line = Field(description="The name, which no other member has.")
    kind: Kind = Field(description="Whether it is a State or an organisation.")
    status: Status = Field(description="Its status under the convention.")
    signed_on: Day | None = Field(None, description="The day of signature.")
    ratified_on: Day | None = Field(None, description="The day of ratification; a member ratifies or accedes.")
    acceded_on: Day | None = Field(None, description="The day of accession; a member ratifies or accedes.")
    in_force_on: Day | None = Field(
        None,
        description="The day on which the convention came into force for it: every contracting member has one. After a "
        "membership has ended, it is the day of the latest one.",
    )
    withdrawal_notified_on: Day | None = Field(
        None, description="The day on which the notice of its withdrawal was received."
    )
    ceases_on: Day | None = Field(
        None, description="The first day on which the convention is no longer in force for it; null if no end is known."
    )
    earlier_periods: EarlierPeriods = Field([], description="Its earlier memberships, the earliest first.")
    founding: StrictBool = Field(False, description="Whether it is a founding member.")
    declarations: Declarations = Field([], description="The declarations by which it excludes subjects.")
    designations: Designations = Field([], description="The mediators whom it designated.")
    calendar: CalendarCode | None = Field(
        None, description="The calendar of its days off: the code of a country (`HK`) or a part of one (`DE-BY`)."
    )
    standing: Standing | None = Field(None, description="How well this entry is established; null if nobody said.")
    source: Line | None = Field(
        None, description="From where this is known; needed with a `standing`, unless it is `institution`."
    )

    @model_validator(mode="after")
    def holding_together(self) -> "MemberIn":
        """Refuse days and a status that contradict each other, and a standing without a source."""
        _refuse([*_of_status(self), *_of_days(self), *_of_standing(self)])
        return self


def _of_status(member: MemberIn) -> Iterator[Fault]:
    # A State that has left may stay as an observer or a signatory: its entry keeps the period that has ended.
    if member.status != "contracting" and member.ceases_on is not None:
        return
    if member.status == "observer":
        for field in ("ratified_on", "acceded_on", "in_force_on"):
            if getattr(member, field) is not None:
                yield field, "observer", "An observer is not bound by the convention and has no such day. Leave it out."
    elif (member.status == "contracting") != (member.in_force_on is not None):
        yield "in_force_on", "in-force", "A contracting member needs 'in_force_on', and no other member has it."


def _of_days(member: MemberIn) -> Iterator[Fault]:
    yield from faults_of_days(member)
    for field in ("ratified_on", "acceded_on"):
        day = getattr(member, field)
        if member.signed_on is not None and day is not None and day < member.signed_on:
            yield field, "order", "This day must not come before the day of signature."
    earlier = [day for day in (member.signed_on, member.ratified_on, member.acceded_on) if day is not None]
    if member.in_force_on is not None and any(member.in_force_on < day for day in earlier):
        message = "The entry into force must not come before the signature, ratification or accession."
        yield "in_force_on", "order", message
    if member.earlier_periods:
        yield from faults_of_sequence(member.earlier_periods, member.in_force_on)


def _of_standing(member: MemberIn) -> Iterator[Fault]:
    # The institution is its own source of what it established itself.
    if member.standing not in (None, "institution") and member.source is None:
        yield "source", "source-needed", "This standing needs a source. Name it in 'source'."


class MemberChange(In):
    """A change of a member's entry. Fields that you leave out stay as they are."""

    name: Line | None = Field(None, description="The name, which no other member has.")
    status: Status | None = Field(None, description="The status under the convention.")
    signed_on: Day | None = Field(None, description="The day of signature.")
    ratified_on: Day | None = Field(None, description="The day of ratification.")
    acceded_on: Day | None = Field(None, description="The day of accession.")
    in_force_on: Day | None = Field(
        None,
        description="The day on which the convention came into force for it. A day that does not come before "
        "`ceases_on` begins a new membership; the ended one is kept in `earlier_periods`.",
    )
    withdrawal_notified_on: Day | None = Field(
        None, description="The day on which the notice of its withdrawal was received."
    )
    ceases_on: Day | None = Field(
        None, description="The first day on which the convention is no longer in force for it; null if no end is known."
    )
    earlier_periods: EarlierPeriods | None = Field(
        None, description="All its earlier memberships; they replace the present ones."
    )
    founding: StrictBool | None = Field(None, description="Whether it is a founding member.")
    declarations: Declarations | None = Field(None, description="All its declarations; they replace the present ones.")
    designations: Designations | None = Field(None, description="All its designations; they replace the present ones.")
    calendar: CalendarCode | None = Field(None, description="The code of the calendar of its days off.")
    standing: Standing | None = Field(None, description="How well this entry is established.")
    source: Line | None = Field(None, description="From where this is known.")


class MemberFilters(In):
    """Which members a list shows: those that meet every condition."""

    status: Status | None = Field(None, description="Members of this status.")
    founding: bool | None = Field(None, description="Founding members, or the others.")
    kind: Kind | None = Field(None, description="States, or organisations.")
    bound_on: Day | None = Field(None, description="Members for which the convention is in force on this day.")
    q: str | None = Field(None, description="Words of the name.")


class MembershipOut(Out):
    """An earlier membership, which has ended."""

    ratified_on: date | None = Field(description="The day of ratification; null if it did not ratify.")
    acceded_on: date | None = Field(description="The day of accession; null if it did not accede.")
    in_force_on: date = Field(description="The day on which the convention came into force for it.")
    withdrawal_notified_on: date | None = Field(
        description="The day on which the notice of its withdrawal was received; null if there was none."
    )
    ceases_on: date = Field(description="The first day on which the convention was no longer in force for it.")


class DeclarationOut(Out):
    """Subjects that a member excludes from mediation by a declaration."""

    subjects: list[str] = Field(description="The codes of the excluded subjects.")
    from_on: date | None = Field(description="The first day on which the declaration holds; null if always.")
    until_on: date | None = Field(description="The last day on which it holds; null if it has no end.")


class DesignationOut(Out):
    """A mediator whom a member designated for the institution's panels."""

    name: str = Field(description="The mediator's name.")
    designated_on: date = Field(description="The first day of the designation.")
    until_on: date | None = Field(description="The last day of the designation; null if it has no end.")
    panel: str | None = Field(description="The panel; null if the member named none.")


class MemberOut(Out):
    """A member of the institution."""

    id: UUID = Field(description="The id of the member.")
    name: str = Field(description="The name, which no other member has.")
    kind: MemberKind = Field(description="Whether it is a State or an organisation.")
    status: MemberStatus = Field(description="Its status under the convention.")
    signed_on: date | None = Field(description="The day of signature; null if it did not sign or none is known.")
    ratified_on: date | None = Field(description="The day of ratification; null if it did not ratify.")
    acceded_on: date | None = Field(description="The day of accession; null if it did not accede.")
    in_force_on: date | None = Field(
        description="The day on which the convention came into force for it; null if it is not bound. After a "
        "membership has ended, it is the day of the latest one."
    )
    withdrawal_notified_on: date | None = Field(
        description="The day on which the notice of its withdrawal was received; null if there is none."
    )
    ceases_on: date | None = Field(
        description="The first day on which the convention is no longer in force for it; null if no end is known."
    )
    earlier_periods: list[MembershipOut] = Field(description="Its earlier memberships, the earliest first.")
    founding: bool = Field(description="Whether it is a founding member.")
    declarations: list[DeclarationOut] = Field(description="The declarations by which it excludes subjects.")
    designations: list[DesignationOut] = Field(description="The mediators whom it designated.")
    calendar: str | None = Field(description="The code of the calendar of its days off; null if none is named.")
    standing: StandingName | None = Field(description="How well this entry is established; null if nobody said.")
    source: str | None = Field(description="From where this is known; null if nobody said.")


class MemberList(Listed[MemberOut]):
    """A page of members, in the order of their entry."""


class FieldHistoryOut(Out):
    """A field before and after a change."""

    before: Any = Field(description="What the field said before.")
    after: Any = Field(description="What the field has said since.")


class MemberEventOut(Out):
    """One change of a member's entry."""

    at: datetime = Field(description="When the entry was changed.")
    act: str = Field(description="The act: `enter` or `change`.")
    changes: dict[str, FieldHistoryOut] = Field(description="Each field that changed, by its name.")
    article: str | None = Field(description="The article under which it was changed; null if it rests on none.")


class MemberHistory(Listed[MemberEventOut]):
    """A page of a member's history, the oldest change first."""
