"""Where deliveries may go: to the public internet by https, and to what the operator allows beside it.

A name is resolved once for each attempt, every address that it has is judged, and the connection goes to one of those.
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from ssl import SSLContext

import httpx

from app.core.errors import Misconfigured

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

PORTS = {"https": (443, 8443), "http": ()}
DEFAULT_PORT = {"https": 443, "http": 80}
# The registries of special-purpose addresses, written out: what Python knows of them differs from release to release.
_NOT_PUBLIC = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# Of IPv6 only this is given out to hosts; mapped, translated, local and multicast addresses lie outside.
_GIVEN_OUT = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[^\s/?#@:\[\]\\%]+)(:(?P<port>[1-9]\d{0,4}))?"
    r"(?P<path>(/[\w\-.~!$&'()*+,;=:@%/]*)?(\?[\w\-.~!$&'()*+,;=:@%/?]*)?)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What some resolvers take for an address: `2130706433`, `127.1`, `0x7f.0.0.1`.
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")


class AddressRefused(Exception):
    """Nothing is sent there; whether it is unknown, not public or not well written makes no difference."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an address says, in its one spelling: `host` without brackets, `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Target:
    """A place with the addresses that were judged."""

    place: Place
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator allows beside the public internet: hosts by name, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def has(self, address: Address) -> bool:
        """Whether an address lies in one of the networks."""
        return any(address in network for network in self.networks)


def allowed_by(setting: str | None) -> Allowed:
    """What a setting allows: hosts, addresses and networks, with commas between them; Misconfigured for others."""
    names, networks = set(), []
    for one in filter(None, (part.strip().lower() for part in (setting or "").split(","))):
        try:
            networks.append(ip_network(one))
        except ValueError as problem:
            if not _NAME.fullmatch(one) or _ENDS_IN_A_NUMBER.fullmatch(one):
                raise Misconfigured(f"ACCORD_WEBHOOK_ALLOWED has neither host nor network in '{one}'.") from problem
            names.add(one)
    return Allowed(frozenset(names), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    given_out = address in _GIVEN_OUT and address.scope_id is None
    return given_out and not any(address in network for network in _NOT_PUBLIC_6)


def place_of(url: str) -> Place:
    """What an address says; AddressRefused unless it says it in the plain way."""
    found = _URL.fullmatch(url)
    if found is None or not found["path"].isascii():
        raise AddressRefused
    scheme, host = found["scheme"].lower(), _host(found["host"])
    port = int(found["port"] or DEFAULT_PORT[scheme])
    if port > 65535:
        raise AddressRefused
    path = found["path"]
    return Place(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _host(written: str) -> str:
    try:
        # Names in other scripts in the form that the domain name system knows.
        host = httpx.URL(f"https://{written}/").raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError) as problem:
        raise AddressRefused from problem
    if literal(host) is not None:
        return host
    if not _NAME.fullmatch(host) or _ENDS_IN_A_NUMBER.fullmatch(host):
        raise AddressRefused
    return host


def literal(host: str) -> Address | None:
    """The address that a host is, if it is one and no name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def judge(place: Place, addresses: Sequence[str], allowed: Allowed) -> Target:
    """The place with its addresses, if each of them may be connected to; AddressRefused otherwise."""
    found = [literal(one) for one in addresses]
    known = [one for one in found if one is not None]
    if not known or len(known) != len(found):
        raise AddressRefused
    named = place.host in allowed.names
    if not (named or all(allowed.has(one) for one in known)):
        if place.port not in PORTS[place.scheme] or (literal(place.host) is None and "." not in place.host):
            raise AddressRefused
        if not all(allowed.has(one) or is_public(one) for one in known):
            raise AddressRefused
    return Target(place, tuple(str(one) for one in known))


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine finds them."""
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges every address before a connection; how names are resolved and whom TLS trusts are seams."""

    allowed: Allowed
    tls: SSLContext
    resolve: Resolve = resolve

    def check(self, url: str) -> Target:
        """Where a delivery to this address would connect to just now; AddressRefused if it may not."""
        place = place_of(url)
        try:
            addresses = [place.host] if literal(place.host) is not None else self.resolve(place.host, place.port)
        except (OSError, UnicodeError) as problem:
            raise AddressRefused from problem
        return judge(place, addresses, self.allowed)


def guard_of(setting: str | None) -> Guard:
    """The guard that the operator's setting asks for; Misconfigured if it cannot be read."""
    return Guard(allowed_by(setting), httpx.create_ssl_context())
