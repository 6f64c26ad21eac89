"""Deadlines as they go out."""

from datetime import date, datetime
from uuid import UUID

from app.core.values import Day, In, Listed, Out, Text


class ExtendIn(In):
    """Until which day the term is extended, and why."""

    until_on: Day
    reason: Text


class ReasonIn(In):
    """Why the term is waived or suspended."""

    reason: Text


class Trigger(Out):
    """What the period counts from."""

    step: str
    on: date


class DeadlineOut(Out):
    """A term running in a case, for one party where it names one, with the lines that explain its day."""

    id: UUID
    term: str
    party_id: UUID | None
    article: str | None
    source: str | None
    standing: str
    trigger: Trigger
    period: str
    due_on: date
    due_at: datetime
    time_zone: str
    state: str
    explanation: list[str]


class DeadlineCase(Out):
    """The case in which a term runs."""

    id: UUID
    reference: str | None
    title: str


class CaseDeadlineOut(DeadlineOut):
    """A term running in one of the reader's cases."""

    case: DeadlineCase


class CaseDeadlineList(Listed[CaseDeadlineOut]):
    """A page of deadlines in all of the reader's cases, the earliest first."""


class DeadlineList(Listed[DeadlineOut]):
    """A page of deadlines, the earliest first."""
