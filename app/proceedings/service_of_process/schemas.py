"""Service as it comes in and goes out."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.core.values import Day, In, Instant, Listed, Out, Text


class ServiceIn(In):
    """An attempt to serve the request on a party: how, on which day, the proof, and when it was received if it was."""

    party_id: UUID
    method: Literal["diplomatic-channel", "post", "courier", "by-hand", "e-mail", "through-the-service", "other"]
    attempted_on: Day
    served_at: Instant | None = None
    proof: Text


class ServiceOut(Out):
    """An attempt to serve the request; `served_on` is the day at the seat on which it was received."""

    id: UUID
    party_id: UUID
    method: str
    attempted_on: date
    served_at: datetime | None
    served_on: date | None
    proof: str
    recorded_at: datetime


class ServiceList(Listed[ServiceOut]):
    """A page of attempts, in the order in which they were recorded."""
