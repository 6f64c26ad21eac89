"""Disclosures in requests and answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.ledger.schemas import AudienceName
from app.core.values import Listed, Out, one_of
from app.proceedings.cases.schemas import ActingIn

PROPOSED, OPENED = "proposed", "opened"
DisclosureState = TypeAliasType(
    "DisclosureState", Annotated[str, one_of((PROPOSED, OPENED), "Whether an earlier stream is open to newcomers.")]
)


class DisclosureIn(ActingIn):
    """A proposal to open an earlier stream of events, and what it holds, to those who came later."""

    stream: UUID = Field(description="The stream, by the id that its events show.")


class DisclosureOut(Out):
    """A disclosure: a proposal to open an earlier stream to those who came later, and what became of it."""

    id: UUID = Field(description="The id of the disclosure.")
    stream: UUID = Field(description="The stream of events.")
    audience: AudienceName = Field(description="The audience of the stream.")
    party_ids: list[UUID] = Field(description="The parties that the audience names; empty if it names none.")
    state: DisclosureState = Field(description="Whether the stream is open to them.")
    agreed_by: list[UUID] = Field(description="The parties that agreed.")
    remaining: list[UUID] = Field(description="The parties that have still to agree.")
    proposed_at: datetime = Field(description="When it was proposed.")
    opened_at: datetime | None = Field(description="When the stream was opened; null if it was not.")


class DisclosureList(Listed[DisclosureOut]):
    """A page of disclosures, in the order in which they were proposed."""
