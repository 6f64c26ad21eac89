"""Filings as they come in and go out."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.values import Code, In, Line, Listed, Out, PartyIds, Text
from app.proceedings.cases.schemas import OnPaper
from app.proceedings.documents.schemas import EnclosureOut

RETURN_REASONS = Literal[
    "wrong-case",
    "wrong-kind",
    "no-authority",
    "unsigned",
    "incomplete",
    "illegible",
    "wrong-language",
    "confidential-content",
    "other",
]


class FilingIn(OnPaper):
    """A filing to be drafted; its audience is always named. What a party sent on paper the registry drafts for it."""

    kind: Literal[
        "request",
        "response",
        "statement",
        "evidence",
        "notice",
        "correspondence",
        "application",
        "power-of-attorney",
    ]
    title: Line
    text: Text
    audience: Code
    party_ids: PartyIds = []
    joint_with: PartyIds = []
    resubmits_id: UUID | None = None
    redacts_id: UUID | None = None


class AcceptanceIn(In):
    """What the registry says in accepting a filing, if anything."""

    note: Text | None = None


class ReturnIn(In):
    """Why the registry returns a filing, in codes, and in words that say what to mend."""

    reasons: Annotated[list[RETURN_REASONS], Field(min_length=1, max_length=9)]
    note: Text


class JointOut(Out):
    """A party that files jointly, and since when it has joined."""

    party_id: UUID
    joined_at: datetime | None


class FilingOut(Out):
    """A filing; a draft shows the audience that it is meant for and is seen by its author's side alone.

    What came on paper says how, when the registry entered it, and why it counts on an earlier day. What is filed to the
    participants, the court or the public has a docket number and is `pending`, `accepted` or `returned` (`reasons`).
    `redacts_id` is shown to whoever may know of the sealed filing whose twin this is.
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
    docket_number: int | None
    docketing: str | None
    decided_at: datetime | None
    reasons: list[str]
    note: str | None
    resubmits_id: UUID | None
    redacts_id: UUID | None
    joint: list[JointOut]
    documents: list[EnclosureOut]
    reason: str | None = None


class FilingList(Listed[FilingOut]):
    """A page of filings, in the order of drafting or receipt."""
