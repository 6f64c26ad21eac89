"""Schedule of attempts to deliver an event to a receiver that has not accepted it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

# Delays before each attempt; after them a day each.
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
# No attempt starts later than this after the first.
LONGEST = timedelta(days=5)
LONGEST_PAUSE = timedelta(hours=1)
# When a receiver accepts events again after failures, what waits for it is sent at this rate.
A_SECOND_AFTER_RECOVERY = 20
# An event that the receiver refuses, though it takes others, is not sent again after each of them.
PAUSE_FOR_EACH_TRY = timedelta(minutes=1)


def next_attempt(tries: int, first_at: datetime, now: datetime) -> datetime | None:
    """When to try again after so many failed attempts, the last one now; None to give up."""
    at = now + (DELAYS[tries] if tries < len(DELAYS) else DAILY)
    return at if at <= first_at + LONGEST else None


def after_recovery(number: int, tries: int, last_at: datetime | None, now: datetime) -> datetime:
    """When a waiting delivery is due once its receiver accepts events again; `number` is its place in line, from 0."""
    at = now + timedelta(seconds=number // A_SECOND_AFTER_RECOVERY)
    return at if last_at is None else max(at, last_at + min(tries * PAUSE_FOR_EACH_TRY, LONGEST_PAUSE))


def pause_until(header: str | None, now: datetime) -> datetime | None:
    """End of the pause that a receiver asks for by `Retry-After`, at most an hour; None for a useless header."""
    if header is None:
        return None
    try:
        until = now + timedelta(seconds=int(header)) if header.isdecimal() else parsedate_to_datetime(header)
        if until.tzinfo is None or until <= now:
            return None
    except (ValueError, OverflowError):
        return None
    return min(until, now + LONGEST_PAUSE)
