"""Disclosures as they come in and go out."""

from datetime import datetime
from uuid import UUID

from app.core.values import In, Listed, Out


class DisclosureIn(In):
    """An earlier stream to be opened to those who came later, by the id that its events show."""

    stream: UUID


class DisclosureOut(Out):
    """Whether an earlier audience is open to those who came later, and who has yet to agree."""

    id: UUID
    stream: UUID
    audience: str
    party_ids: list[UUID]
    state: str
    agreed_by: list[UUID]
    remaining: list[UUID]
    proposed_at: datetime
    opened_at: datetime | None


class DisclosureList(Listed[DisclosureOut]):
    """A page of disclosures, in the order in which they were proposed."""
