"""The desk as it goes out."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from app.core.values import Out
from app.proceedings.deadlines.schemas import CaseDeadlineOut, DeadlineCase


class WaitingItem(Out):
    """A case that waits for you: for which step, since when, until when, under which article."""

    case: DeadlineCase
    capacity: str
    party_id: UUID | None
    step: str
    since: datetime
    due_on: date | None
    article: str | None


class SessionItem(Out):
    """A session to come."""

    id: UUID
    case: DeadlineCase
    kind: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str


class NominationItem(Out):
    """An appointment for which you are proposed; it waits for your declaration, or for the others."""

    id: UUID
    state: str
    proposed_at: datetime


class NewsItem(Out):
    """An event that you may know of, of a case of yours, since you last looked."""

    id: UUID
    case: DeadlineCase
    type: str
    act: str
    at: datetime
    article: str | None
    actor: dict[str, Any]


class DeskOut(Out):
    """What waits for you, what is due next, sessions to come, and what is new; `more` names the parts cut short."""

    looked_at: datetime | None
    waiting: list[WaitingItem]
    due: list[CaseDeadlineOut]
    sessions: list[SessionItem]
    nominations: list[NominationItem]
    news: list[NewsItem]
    more: list[str]
