"""How many requests one address, and one person, may send: counted in the memory of this process."""

import hashlib
import time
from collections import OrderedDict
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from app.errors import TooManyRequests
from app.settings import Settings

_REMEMBERED = 4096


class Limits:
    """Two limits: requests without a valid token by address, and writes by person."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._anonymous = _per_minute(settings.anonymous_per_minute)
        self._writes = _per_minute(settings.writes_per_minute)
        # Who shares an address with somebody who guesses tokens is not shut out, as long as their own was good before.
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def check_address(self, address: str, token: str | None) -> None:
        """TooManyRequests if the address has sent too much without a valid token, and this token is not known."""
        if self._anonymous is None or (token is not None and _digest(token) in self._good):
            return
        if not self._limiter.test(self._anonymous, "address", address):
            raise TooManyRequests(self._wait(self._anonymous, "address", address))

    def count_address(self, address: str, token: str | None) -> None:
        """Count a request that came without a valid token; one that was good before is no better than another now."""
        if token is not None:
            self._good.pop(_digest(token), None)
        if self._anonymous is not None:
            self._limiter.hit(self._anonymous, "address", address)

    def remember(self, token: str) -> None:
        """Remember a token that was valid just now."""
        self._good[_digest(token)] = None
        self._good.move_to_end(_digest(token))
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def count_write(self, principal_id: UUID) -> None:
        """Count a write; TooManyRequests if the person has sent too many."""
        if self._writes is not None and not self._limiter.hit(self._writes, "writes", principal_id.hex):
            raise TooManyRequests(self._wait(self._writes, "writes", principal_id.hex))

    def _wait(self, limit: RateLimitItem, *key: str) -> int:
        """Seconds until the oldest of the counted requests counts no more."""
        reset_at = self._limiter.get_window_stats(limit, *key).reset_time
        return max(1, min(60, round(reset_at - time.time())))


def _per_minute(number: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(number) if number else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
