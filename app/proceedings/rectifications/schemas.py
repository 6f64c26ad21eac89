"""Rectifications in requests and answers."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.core.values import In, Listed, Out, Text


class RectificationIn(In):
    """A correction of a slip that the registry made."""

    event_id: UUID = Field(description="The event in which the slip is.")
    correction: Text = Field(description="What the event should say.")
    reason: Text = Field(description="How the slip came about.")


class RectificationOut(Out):
    """A correction of a slip that the registry made. The event itself stays as it was written."""

    id: UUID = Field(description="The id of the rectification.")
    event_id: UUID = Field(description="The event in which the slip is.")
    correction: str = Field(description="What the event should say.")
    reason: str = Field(description="How the slip came about.")
    rectified_by: UUID = Field(description="The person who corrected it.")
    rectified_at: datetime = Field(description="When it was corrected.")


class RectificationList(Listed[RectificationOut]):
    """A page of rectifications, in the order in which they were made."""
