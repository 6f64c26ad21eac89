"""Events of a case, as answers show them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.core.ledger.schemas import AudienceName
from app.core.values import Listed, Out


class EventOut(Out):
    """One entry of a stream of the ledger, with what is needed to verify it (docs/ledger.md)."""

    id: UUID = Field(description="The id of the event.")
    type: str = Field(description="The type of event, such as `step-taken`, as the types stand under `webhooks`.")
    at: datetime = Field(description="When the act was done.")
    act: str = Field(description="The act: the name of a step of the rules, or another act of the registry.")
    article: str | None = Field(description="The article under which the act was done; null if it rests on none.")
    actor: dict[str, Any] = Field(description="Who acted: `id`, `capacity` and `party_id`, as in `FeedActorOut`.")
    audience: AudienceName = Field(description="Who may know of the event.")
    stream: UUID = Field(description="The stream of the ledger that contains the event: one for each audience.")
    seq: int = Field(description="The number of the event in its stream, from 1 without gaps.")
    payload: dict[str, Any] = Field(description="The ids of what the event concerns, and the values that changed.")
    commitment: str | None = Field(
        description="The SHA-256, in hexadecimal, of the salt and the canonical form (RFC 8785) of what was written in "
        "the act; null if nothing was written."
    )
    content: dict[str, Any] | None = Field(
        description="What was written in the act; null if nothing was, if you may not read it, or if it was destroyed."
    )
    destroyed: bool = Field(
        description="Whether what was written was destroyed with the key of its case. The event can still be verified."
    )
    salt: str | None = Field(description="The salt of the commitment, in hexadecimal; null if there is no content.")
    previous_hash: str | None = Field(
        description="The hash of the event before it in the stream, in hexadecimal; null for the first."
    )
    hash: str = Field(description="The hash of this event, in hexadecimal.")


class EventList(Listed[EventOut]):
    """A page of events, in the order in which they were recorded."""
