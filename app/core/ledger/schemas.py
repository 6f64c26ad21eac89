"""Events as they go out."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.core.values import Followed, Out


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
