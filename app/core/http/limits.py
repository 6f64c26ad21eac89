"""Limits on the requests of an address and of a person, counted in the memory of this process."""

import hashlib
import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import TooManyRequests
from app.settings import Settings

_REMEMBERED = 4096
# The most addresses, or people, that are counted at once, so that a flood takes bounded memory.
_COUNTED = 10_000
_MINUTE = 60.0
_RENEWED_AFTER = 10.0
# In the scope of a request: that its write was counted, and the person or program whose writes it falls under.
COUNTED, WRITER = "accord.write_counted", "accord.writer"


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of a limit is left, as the fields `RateLimit` and `RateLimit-Policy` say it.

    They follow draft-ietf-httpapi-ratelimit-headers-10: `q` is how many there may be in `w` seconds, `r` how many are
    left, and `t` after how many seconds there is one more.
    """

    name: str
    most: int
    left: int
    seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The two fields of an answer."""
        return [
            (b"ratelimit-policy", f'"{self.name}";q={self.most};w={_MINUTE:.0f}'.encode()),
            (b"ratelimit", f'"{self.name}";r={self.left};t={self.seconds}'.encode()),
        ]


class Window:
    """Counts events by key; each key may have `most` in a minute, 0 for no limit.

    Minutes are measured by the monotonic clock.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """The seconds until the key may have another event; 0 if it may now."""
        with self._lock:
            return self._wait(key, time.monotonic())

    def rate(self, key: str, name: str, coming: int = 0) -> Rate | None:
        """What the key has left after `coming` more events; None if there is no limit."""
        if not self.most:
            return None
        with self._lock:
            now = time.monotonic()
            times = [then for then in self._times.get(key, ()) if then > now - _MINUTE]
            seconds = math.ceil(times[0] + _MINUTE - now) if times else 0
            return Rate(name, self.most, max(0, self.most - len(times) - coming), seconds)

    def hit(self, key: str) -> int:
        """Count an event and return 0, or return the seconds to wait for it."""
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
        """The seconds until the oldest of `most` events is a minute old; 0 without a limit."""
        times = self._times.get(key)
        if not times or len(times) < self.most:
            return 0
        return max(0, math.ceil(times[0] + _MINUTE - now))


class Limits:
    """Four limits: requests without a valid token and refused grants by address; writes and refused reads by person.

    Grants are counted apart, so that somebody who guesses tokens does not keep a client at the same address from
    getting its next one. Refused reads are counted apart from writes, so that a program that reads what is hidden does
    not keep its owner from filing.
    """

    def __init__(self, settings: Settings) -> None:
        self._anonymous = Window(settings.anonymous_per_minute)
        self._grants = Window(settings.anonymous_per_minute)
        self._writes = Window(settings.writes_per_minute)
        self._refused_reads = Window(settings.refused_reads_per_minute)
        # Tokens that were valid, with their owners, who are served even if somebody at the same address guesses tokens.
        self._good: OrderedDict[bytes, UUID | None] = OrderedDict()
        # Requests remember tokens in several threads.
        self._lock = threading.Lock()
        # Digests of what is valid, whichever process has seen it, as the database was last read.
        self._valid: set[bytes] = set()
        self._read_at = -math.inf

    def knows(self, token: str | None) -> bool:
        """Whether the token was valid in its last request."""
        return token is not None and _digest(token) in self._good

    def owner_of(self, token: str | None) -> UUID | None:
        """The person or program whose token it was in its last request."""
        return self._good.get(_digest(token)) if token is not None else None

    def may_renew_valid(self) -> bool:
        """Whether the valid tokens may be read from the database now: at most once in ten seconds, by one request."""
        now = time.monotonic()
        if now - self._read_at < _RENEWED_AFTER:
            return False
        self._read_at = now
        return True

    def renew_valid(self, digests: set[bytes]) -> None:
        """Keep the digests of the tokens and secrets that are valid now."""
        self._valid = digests

    def check_address(self, address: str, token: str | None) -> None:
        """Raise TooManyRequests if the address sent too much without a valid token, unless this token was valid."""
        if self._anonymous.most and not self._is_good(token) and (wait := self._anonymous.wait(network_of(address))):
            raise TooManyRequests(wait)

    def check_grant(self, address: str, secret: str) -> None:
        """Raise TooManyRequests if the address was refused too many grants, unless this secret is valid."""
        if self._grants.most and not self._is_good(secret) and (wait := self._grants.wait(network_of(address))):
            raise TooManyRequests(wait)

    def _is_good(self, token: str | None) -> bool:
        return self.knows(token) or (token is not None and _digest(token) in self._valid)

    def count_grant(self, address: str) -> None:
        """Count a grant that was refused."""
        if self._grants.most:
            self._grants.hit(network_of(address))

    def count_address(self, address: str) -> None:
        """Count a request without a valid token."""
        if self._anonymous.most:
            self._anonymous.hit(network_of(address))

    def rate_of(self, writer_id: UUID | None, address: str, *, counts: bool) -> Rate | None:
        """What is left of the limit that a request fell under: the writes of a person, or else those of its address.

        A request that `counts` for its address is counted only when it ends.
        """
        if writer_id is not None:
            return self._writes.rate(writer_id.hex, "writes")
        return self._anonymous.rate(network_of(address), "anonymous", int(counts))

    def rate_of_refused_read(self, reader_id: UUID) -> Rate | None:
        """What is left of the limit on refused reads of a person after this one, which is counted when it ends."""
        return self._refused_reads.rate(reader_id.hex, "refused-reads", 1)

    def remember(self, token: str, owner_id: UUID | None = None) -> None:
        """Remember a token or secret that is valid now, with its owner."""
        with self._lock:
            self._good[_digest(token)] = owner_id
            self._good.move_to_end(_digest(token))
            if len(self._good) > _REMEMBERED:
                self._good.popitem(last=False)

    def forget(self, token: str) -> None:
        """Forget a token or secret that is no longer valid."""
        with self._lock:
            self._good.pop(_digest(token), None)
        self._valid.discard(_digest(token))

    def check_read(self, reader_id: UUID) -> None:
        """Raise TooManyRequests if too many reads of the person were refused; counts nothing."""
        if wait := self._refused_reads.wait(reader_id.hex):
            raise TooManyRequests(wait)

    def count_refused_read(self, reader_id: UUID) -> None:
        """Count a read that was refused."""
        self._refused_reads.hit(reader_id.hex)

    def check_write(self, principal_id: UUID) -> None:
        """Raise TooManyRequests if the person has sent too many writes; counts nothing."""
        if wait := self._writes.wait(principal_id.hex):
            raise TooManyRequests(wait)

    def count_refused_write(self, principal_id: UUID) -> None:
        """Count a write that was refused before it was one, which is reported even to somebody over the limit."""
        self._writes.hit(principal_id.hex)

    def count_write(self, principal_id: UUID) -> None:
        """Count a write; raises TooManyRequests if the person has sent too many."""
        if wait := self._writes.hit(principal_id.hex):
            raise TooManyRequests(wait)


def network_of(address: str) -> str:
    """The unit that is counted as one address: for IPv6 the /64, which providers assign to one customer."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        # A trusted proxy may pass on anything.
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
