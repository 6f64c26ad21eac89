"""Deadlines in requests and answers."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from app.core.values import Day, Listed, Out, Text
from app.institution.procedures.schemas import DeadlineState, StandingName
from app.proceedings.cases.schemas import ActingIn


class ExtendIn(ActingIn):
    """An extension of a term."""

    until_on: Day = Field(description="The new last day.")
    reason: Text = Field(description="Why the term is extended.")


class ReasonIn(ActingIn):
    """Why a term is waived or suspended."""

    reason: Text = Field(description="The reason.")


class Trigger(Out):
    """The event from which a period counts."""

    step: str = Field(description="The step that started the term.")
    on: date = Field(description="The day at the seat of that step, or of the receipt from which the term runs.")


class DeadlineOut(Out):
    """A deadline: a term that was started in a case, with an explanation of its day."""

    id: UUID = Field(description="The id of the deadline.")
    term: str = Field(description="The term, by its name in the rule set.")
    party_id: UUID | None = Field(description="The party for which it runs; null if it runs for all.")
    article: str | None = Field(description="The article of the term; null for the registry's own practice.")
    source: str | None = Field(description="Where the rule was read, if not in the instrument itself; otherwise null.")
    standing: StandingName = Field(description="How well the rule is established.")
    trigger: Trigger = Field(description="The event from which it counts.")
    period: str = Field(description="Its length, such as `30 days`, or `set-per-case` if its day was set.")
    due_on: date | None = Field(description="The last day; null while the term is suspended.")
    due_at: datetime | None = Field(
        description="The instant at which the last day ends; null while the term is suspended."
    )
    time_zone: str = Field(description="The time zone in which its days are counted, by its IANA name.")
    state: DeadlineState = Field(description="Whether it runs.")
    explanation: list[str] = Field(description="How the last day was computed, line by line.")


class DeadlineCase(Out):
    """The case to which an item belongs."""

    id: UUID = Field(description="The id of the case.")
    reference: str | None = Field(description="The registry's reference; null until the case is registered.")
    title: str = Field(description="The title of the case.")


class CaseDeadlineOut(DeadlineOut):
    """A deadline in one of your cases."""

    case: DeadlineCase = Field(description="The case.")


class CaseDeadlineList(Listed[CaseDeadlineOut]):
    """A page of the deadlines in all your cases, the earliest first."""


class DeadlineList(Listed[DeadlineOut]):
    """A page of deadlines, the earliest first."""


class ClosurePreviewItem(Out):
    """A deadline that a closure would move, or whose last day the closure would contain."""

    case: DeadlineCase = Field(description="The case.")
    deadline_id: UUID = Field(description="The id of the deadline.")
    term: str = Field(description="The term, by its name in the rule set.")
    party_id: UUID | None = Field(description="The party for which it runs; null if it runs for all.")
    article: str | None = Field(description="The article of the term; null for the registry's own practice.")
    moved: bool = Field(
        description="Whether the deadline moves; otherwise its rule lets it end on a day of the closure, or its day "
        "was given."
    )
    due_before: date = Field(description="The last day without the closure.")
    due_after: date = Field(description="The last day with the closure.")


class ClosurePreview(Listed[ClosurePreviewItem]):
    """A page of the deadlines that a closure would concern, the earliest first."""


class ClosureDeadlineOut(Out):
    """A deadline that a closure has moved, or whose last day the closure contains."""

    case: DeadlineCase = Field(description="The case.")
    deadline_id: UUID = Field(description="The id of the deadline.")
    term: str = Field(description="The term, by its name in the rule set.")
    party_id: UUID | None = Field(description="The party for which it runs; null if it runs for all.")
    article: str | None = Field(description="The article of the term; null for the registry's own practice.")
    moved: bool = Field(
        description="Whether the deadline moved; otherwise its rule lets it end on a day of the closure."
    )
    due_before: date = Field(description="The last day before the closure was entered or withdrawn.")
    due_after: date = Field(description="The last day after that.")
    changed_at: datetime = Field(description="When the closure was entered or withdrawn.")


class ClosureDeadlineList(Listed[ClosureDeadlineOut]):
    """A page of the deadlines that a closure concerns, in the order in which it moved them."""
