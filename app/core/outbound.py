"""Where deliveries may go: to the public internet by https, and to the receivers that the operator allows.

Each attempt resolves a name once, judges every address of it, and connects to one of these addresses.
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
# The IANA registries of special-purpose addresses, written out, since Python's list differs between its releases.
_NOT_PUBLIC = tuple(
    IPv4Network(network)
    for network in (
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
# The IPv6 range of hosts on the internet; mapped, translated, local and multicast addresses are outside it.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[^\s/?#@:\[\]\\%]+)(:(?P<port>[1-9]\d{0,4}))?"
    r"(?P<path>(/[\w\-.~!$&'()*+,;=:@%/]*)?(\?[\w\-.~!$&'()*+,;=:@%/?]*)?)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Some resolvers take these for addresses: `2130706433`, `127.1`, `0x7f.0.0.1`.
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")


class AddressRefused(Exception):
    """Nothing is sent to this address, which is unknown, not public or malformed; answers do not say which."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The parts of a URL in normal form: `host` without brackets, `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Target:
    """A destination with the addresses that were judged."""

    destination: Destination
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The receivers that the operator allows outside the public internet: hosts by name, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def has(self, address: Address) -> bool:
        """Whether an address is in one of the networks."""
        return any(address in network for network in self.networks)


def allowed_by(setting: str | None) -> Allowed:
    """Parse a setting of hosts, addresses and networks, separated by commas; raises Misconfigured for anything else."""
    names, networks = set(), []
    for entry in filter(None, (part.strip().lower() for part in (setting or "").split(","))):
        try:
            networks.append(ip_network(entry))
        except ValueError as problem:
            if not _NAME.fullmatch(entry) or _ENDS_IN_A_NUMBER.fullmatch(entry):
                detail = f"ACCORD_WEBHOOK_ALLOWED: '{entry}' is neither a host nor a network. Correct or remove it."
                raise Misconfigured(detail) from problem
            names.add(entry)
    return Allowed(frozenset(names), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    is_global = address in _GLOBAL_UNICAST and address.scope_id is None
    return is_global and not any(address in network for network in _NOT_PUBLIC_6)


def destination_of(url: str) -> Destination:
    """Parse a URL; raises AddressRefused for one that is malformed or has an unusual form."""
    match = _URL.fullmatch(url)
    if match is None or not match["path"].isascii():
        raise AddressRefused
    scheme, host = match["scheme"].lower(), _host(match["host"])
    port = int(match["port"] or DEFAULT_PORT[scheme])
    if port > 65535:
        raise AddressRefused
    path = match["path"]
    return Destination(scheme, host, port, path if path.startswith("/") else f"/{path}")


def _host(written: str) -> str:
    try:
        # Names in other scripts are encoded for the domain name system.
        host = httpx.URL(f"https://{written}/").raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError) as problem:
        raise AddressRefused from problem
    if literal(host) is not None:
        return host
    if not _NAME.fullmatch(host) or _ENDS_IN_A_NUMBER.fullmatch(host):
        raise AddressRefused
    return host


def literal(host: str) -> Address | None:
    """The host as an address; None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def judge(destination: Destination, addresses: Sequence[str], allowed: Allowed) -> Target:
    """The target, if every address may be connected to; raises AddressRefused otherwise."""
    parsed = [address for text in addresses if (address := literal(text)) is not None]
    if not parsed or len(parsed) != len(addresses):
        raise AddressRefused
    host, port = destination.host, destination.port
    if not (host in allowed.names or all(allowed.has(address) for address in parsed)):
        if port not in PORTS[destination.scheme] or (literal(host) is None and "." not in host):
            raise AddressRefused
        if not all(allowed.has(address) or is_public(address) for address in parsed):
            raise AddressRefused
    return Target(destination, tuple(str(address) for address in parsed))


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, resolved by this machine."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges every address before a connection; the resolver and the trusted certificates are handed in."""

    allowed: Allowed
    tls: SSLContext
    resolve: Resolve = resolve

    def check(self, url: str) -> Target:
        """The target of a delivery to a URL, resolved now; raises AddressRefused if it is not allowed."""
        destination = destination_of(url)
        host = destination.host
        try:
            addresses = [host] if literal(host) is not None else self.resolve(host, destination.port)
        except (OSError, UnicodeError) as problem:
            raise AddressRefused from problem
        return judge(destination, addresses, self.allowed)


def guard_of(setting: str | None) -> Guard:
    """The guard for the operator's setting; raises Misconfigured if the setting is not valid."""
    return Guard(allowed_by(setting), httpx.create_ssl_context())
