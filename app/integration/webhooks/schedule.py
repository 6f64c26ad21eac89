"""When an event is sent again to a receiver that did not take it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

# What passes before each attempt; from then on a day.
DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
DAILY = timedelta(days=1)
# No attempt begins later than this after the first.
LONGEST = timedelta(days=5)
LONGEST_PATIENCE = timedelta(hours=1)


def next_attempt(tries: int, first_at: datetime, now: datetime) -> datetime | None:
    """When to try again after so many attempts that failed, the last one now; None if it is given up."""
    at = now + (DELAYS[tries] if tries < len(DELAYS) else DAILY)
    return at if at <= first_at + LONGEST else None


def patience(header: str | None, now: datetime) -> datetime | None:
    """Until when a receiver asks for patience by `Retry-After`, an hour at most; None if it says nothing of use."""
    if header is None:
        return None
    try:
        until = now + timedelta(seconds=int(header)) if header.isdecimal() else parsedate_to_datetime(header)
        if until.tzinfo is None or until <= now:
            return None
    except (ValueError, OverflowError):
        return None
    return min(until, now + LONGEST_PATIENCE)
