"""Deadlines as they go out."""

from datetime import date, datetime
from uuid import UUID

from app.values import Listed, Out


class Trigger(Out):
    """What the period counts from."""

    step: str
    on: date


class DeadlineOut(Out):
    """A term running in a case, with the lines that explain its day."""

    id: UUID
    term: str
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
