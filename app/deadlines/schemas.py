"""Deadlines as they go out."""

from datetime import date, datetime
from uuid import UUID

from app.values import Out


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


class DeadlineList(Out):
    """A page of deadlines, the earliest first."""

    items: list[DeadlineOut]
    next: str | None
