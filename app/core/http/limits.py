"""How many requests one address, and one person, may send: counted in the memory of this process."""

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from uuid import UUID

from app.core.errors import TooManyRequests
from app.settings import Settings

_REMEMBERED = 4096
# So many addresses, or people, are counted at once: a flood from more of them takes no more memory.
_COUNTED = 10_000
_MINUTE = 60.0


class Window:
    """How often something may happen to each key within a minute; 0 for as often as it likes.

    The minute is the machine's own, which nobody sets back.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Seconds until it may happen again; 0 if it may now."""
        with self._lock:
            return self._wait(key, time.monotonic())

    def hit(self, key: str) -> int:
        """Count that it happens, if it may; the seconds to wait if it may not."""
        with self._lock:
            now = time.monotonic()
            wait = self._wait(key, now)
            if self.most and not wait:
                self._times.setdefault(key, deque(maxlen=self.most)).append(now)
                self._times.move_to_end(key)
                if len(self._times) > _COUNTED:
                    self._times.popitem(last=False)
            return wait

    def _wait(self, key: str, now: float) -> int:
        """The oldest of as many as may be is the first to count no more."""
        times = self._times.get(key)
        if not times or len(times) < self.most:
            return 0
        return max(0, math.ceil(times[0] + _MINUTE - now))


class Limits:
    """Two limits: requests without a valid token by address, and writes by person."""

    def __init__(self, settings: Settings) -> None:
        self._anonymous = Window(settings.anonymous_per_minute)
        self._writes = Window(settings.writes_per_minute)
        # Who shares an address with somebody who guesses tokens is not shut out, as long as their own was good before.
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, token: str | None) -> bool:
        """Whether the token was valid when it came last."""
        return token is not None and _digest(token) in self._good

    def check_address(self, address: str, token: str | None) -> None:
        """TooManyRequests if the address has sent too much without a valid token, and this token is not known."""
        if self._anonymous.most and not self.knows(token) and (wait := self._anonymous.wait(network_of(address))):
            raise TooManyRequests(wait)

    def count_address(self, address: str) -> None:
        """Count a request that came without a valid token."""
        if self._anonymous.most:
            self._anonymous.hit(network_of(address))

    def remember(self, token: str) -> None:
        """Remember a token that was valid just now."""
        self._good[_digest(token)] = None
        self._good.move_to_end(_digest(token))
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def forget(self, token: str) -> None:
        """One that was good before and is not now is no better than another."""
        self._good.pop(_digest(token), None)

    def count_write(self, principal_id: UUID) -> None:
        """Count a write; TooManyRequests if the person has sent too many."""
        if wait := self._writes.hit(principal_id.hex):
            raise TooManyRequests(wait)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, since that is what one customer is given."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        # What a trusted proxy said, whatever it is.
        return address[:64]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((int(known), 64), strict=False))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
