"""Rectifications as they come in and go out."""

from datetime import datetime
from uuid import UUID

from app.core.values import In, Listed, Out, Text


class RectificationIn(In):
    """What an event of the registry should have said, and how the slip came about."""

    event_id: UUID
    correction: Text
    reason: Text


class RectificationOut(Out):
    """A slip of the registry, mended: the event that it names stays as it was written."""

    id: UUID
    event_id: UUID
    correction: str
    reason: str
    rectified_by: UUID
    rectified_at: datetime


class RectificationList(Listed[RectificationOut]):
    """A page of rectifications, in the order in which they were made."""
