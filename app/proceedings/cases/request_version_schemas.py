"""Versions of a request, in answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.values import Listed, Out, one_of
from app.institution.procedures.schemas import Capacity, Category, PartyKind, SideName
from app.proceedings.cases.schemas import Instrument, SeatOut

RequestVersionKind = TypeAliasType(
    "RequestVersionKind",
    Annotated[
        str,
        one_of(
            ("lodged", "amended", "corrected", "served"),
            "`lodged`, `served`: the text at that step. `amended`: the requesting side changed it. `corrected`: the "
            "registry did.",
        ),
    ],
)


class RequestPartyOut(Out):
    """A party, as a request names it."""

    side: SideName = Field(description="The side on which the party stands.")
    kind: PartyKind = Field(description="What the party is.")
    name: str = Field(description="The name of the party.")
    member_id: UUID | None = Field(description="The member of the institution that the party is; null if it is none.")
    calendar: str | None = Field(description="The code of the calendar of the party's days off; null if none is named.")


class RequestThirdStateOut(Out):
    """A third State, as a request names it."""

    name: str = Field(description="The name of the State.")
    member_id: UUID | None = Field(description="The member of the institution that the State is; null if it is none.")


class RequestTextOut(Out):
    """The whole text of a request.

    The hash of the version is the SHA-256 of the canonical form of this object (RFC 8785).
    """

    procedure: str = Field(description="The rule set, by its id.")
    category: Category = Field(description="The category of the dispute.")
    title: str = Field(description="The title of the case.")
    summary: str = Field(description="What the dispute is about, in words.")
    instruments: list[Instrument] = Field(description="The instruments on which the dispute or the consent rests.")
    subjects: list[str] = Field(description="What the dispute is about, by codes.")
    languages: list[str] = Field(description="The languages of the mediation, by codes.")
    seat: SeatOut = Field(description="Where the mediation is seated.")
    parties: list[RequestPartyOut] = Field(description="The parties, in the order in which they were named.")
    third_states: list[RequestThirdStateOut] = Field(description="The third States that the dispute involves.")


class RequestVersionOut(Out):
    """A version of the request. Its id is that of the event which commits to it."""

    id: UUID = Field(description="The id of the version, and of its event.")
    kind: RequestVersionKind = Field(description="How the version came about.")
    at: datetime = Field(description="When the version was made.")
    capacity: Capacity = Field(description="The capacity in which its author acted.")
    changed: list[str] = Field(description="The fields that an amendment or a correction changed; otherwise empty.")
    sha256: str | None = Field(
        description="The hash of the text, in hexadecimal; null if it was recorded before versions had hashes."
    )
    request: RequestTextOut | None = Field(
        description="The text; null if it was recorded before versions were kept whole, or if it was destroyed."
    )


class RequestVersionList(Listed[RequestVersionOut]):
    """A page of the versions of a request that you may read, the oldest first."""
