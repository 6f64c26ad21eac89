"""Events as they go out."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.values import Followed, Listed, Out


class EventOut(Out):
    """One entry of a stream; hashes, salt and commitment are in hexadecimal.

    `content` is what was written in the act, as far as the reader may read it: the commitment is SHA-256 of the salt
    and the content's canonical form.
    """

    id: UUID
    type: str
    at: datetime
    act: str
    article: str | None
    actor: dict[str, Any]
    audience: str
    stream: UUID
    seq: int
    payload: dict[str, Any]
    commitment: str | None
    content: dict[str, Any] | None
    salt: str | None
    previous_hash: str | None
    hash: str


class EventList(Listed[EventOut]):
    """A page of events, in the order in which they were sealed."""


class FeedActorOut(Out):
    """Who acted, in which capacity and for which party; without an id it was time that passed, or the operator."""

    id: UUID | None
    capacity: str
    party_id: UUID | None


class FeedDataOut(Out):
    """What an event is about, by ids: what was written is read where they lead, as far as the reader may read it.

    `stream` and `seq` say where the event stands in the ledger, `article` under which rule the act was done, and
    `about` holds the ids of what it concerns.
    """

    case_id: UUID | None
    audience: str
    stream: UUID
    seq: int
    act: str
    article: str | None
    actor: FeedActorOut
    about: dict[str, UUID]


class FeedEventOut(Out):
    """One event with the attributes of CloudEvents 1.0; `id` is the same wherever and however often it is told."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: FeedDataOut


class FeedOut(Followed[FeedEventOut]):
    """A part of a feed: ask again with `after` set to `next`, at once if there may be `more`."""
