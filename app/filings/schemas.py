"""Filings as they come in and go out."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.cases.schemas import OnPaper
from app.values import Code, Line, Listed, Out, PartyIds, Text


class FilingIn(OnPaper):
    """A filing to be drafted; its audience is always named. What a party sent on paper the registry drafts for it."""

    kind: Literal["request", "response", "statement", "evidence", "notice", "correspondence"]
    title: Line
    text: Text
    audience: Code
    party_ids: PartyIds = []


class FilingOut(Out):
    """A filing; a draft shows the audience that it is meant for and is seen by its author's side alone.

    What came on paper says how, when the registry entered it, and why it counts on an earlier day.
    """

    id: UUID
    kind: str
    state: str
    title: str
    text: str
    audience: str
    party_ids: list[UUID]
    author_id: UUID
    author_party_id: UUID | None
    received_at: datetime | None
    received_via: str | None
    entered_at: datetime | None
    effective_on: date | None
    reason: str | None = None


class FilingList(Listed[FilingOut]):
    """A page of filings, in the order of drafting or receipt."""
