"""The clock, and the source of time zones."""

import zoneinfo
from datetime import UTC, datetime

# The zone files of an operating system may be older than the pinned package; dates must be the same everywhere.
zoneinfo.reset_tzpath(())


def system_clock() -> datetime:
    """The current instant, in UTC."""
    return datetime.now(UTC)
