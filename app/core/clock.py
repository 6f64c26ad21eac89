"""What time it is, and where the zones of the world are read from."""

import zoneinfo
from datetime import UTC, datetime

# An operating system's zone files may be older than the pinned ones: the same dates everywhere.
zoneinfo.reset_tzpath(())


def system_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)
