"""Events as they go out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.values import Out


class EventOut(Out):
    """One entry of a stream; hashes and commitments are in hexadecimal."""

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
    previous_hash: str | None
    hash: str


class EventList(Out):
    """A page of events, in the order in which they were sealed."""

    items: list[EventOut]
    next: str | None
