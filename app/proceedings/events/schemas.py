"""Events of a case, as answers show them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.values import Listed, Out


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
