"""Service of the request, in requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.values import Day, In, Instant, Listed, Out, Text, one_of

METHODS = Literal["diplomatic-channel", "post", "courier", "by-hand", "e-mail", "through-the-service", "other"]
ServiceMethod = TypeAliasType("ServiceMethod", Annotated[str, one_of(get_args(METHODS), "How the request was served.")])


class ServiceIn(In):
    """An attempt to serve the request on a party."""

    party_id: UUID = Field(description="The party.")
    method: METHODS = Field(description="How it was served.")
    attempted_on: Day = Field(description="The day on which service was attempted.")
    served_at: Instant | None = Field(None, description="When the party received the request; left out if it did not.")
    proof: Text = Field(description="The proof of the attempt, in words.")


class ServiceOut(Out):
    """An attempt to serve the request on a party."""

    id: UUID = Field(description="The id of the attempt.")
    party_id: UUID = Field(description="The party.")
    method: ServiceMethod = Field(description="How it was served.")
    attempted_on: date = Field(description="The day on which service was attempted.")
    served_at: datetime | None = Field(description="When the party received the request; null if it did not.")
    served_on: date | None = Field(description="The day at the seat on which it was received; null if it was not.")
    proof: str = Field(description="The proof of the attempt, in words.")
    recorded_at: datetime = Field(description="When the registry recorded the attempt.")


class ServiceList(Listed[ServiceOut]):
    """A page of attempts, in the order in which they were recorded."""
