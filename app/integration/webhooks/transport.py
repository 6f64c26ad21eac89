"""Sends one delivery over HTTP: to a checked address, within a time limit, reading little of the answer.

The head of the answer decides: once it has arrived, nothing that the body does or fails to do changes the outcome.
"""

import base64
import hashlib
import hmac
import re
import ssl
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore

from app.core.outbound import Target

SECONDS = 15.0
SECONDS_TO_CONNECT = 5.0
# How long the body of an answer is waited for; it is only shown to the owner.
SECONDS_FOR_BODY = 1.0
MOST_READ, MOST_KEPT = 64 * 1024, 1024
MOST_ADDRESSES = 4
AGENT = "Accord-Webhooks/1"
CONTENT_TYPE = "application/cloudevents+json"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to one attempt: a status, or the code of the failure that prevented one."""

    status: int | None = None
    error: str | None = None
    body: str | None = None
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver accepted the event."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


def signed(secrets: Sequence[bytes], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Headers of Standard Webhooks, with a signature by each secret; `timestamp` is in seconds since 1970."""
    content = f"{id}.{timestamp}.".encode() + body
    macs = [hmac.digest(secret, content, hashlib.sha256) for secret in secrets]
    signatures = " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}


def post(target: Target, tls: ssl.SSLContext, headers: dict[str, str], body: bytes, seconds: float = SECONDS) -> Answer:
    """Send a body and read the answer, without following redirects; failures are reported as a code."""
    place = target.destination
    host = f"[{place.host}]" if ":" in place.host else place.host
    is_default_port = place.port == {"https": 443, "http": 80}[place.scheme]
    all_headers = {
        "host": host if is_default_port else f"{host}:{place.port}",
        "user-agent": AGENT,
        "accept": "*/*",
        # A compressed answer could exceed the limits when it is unpacked.
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": CONTENT_TYPE,
        "content-length": str(len(body)),
        **headers,
    }
    url = httpcore.URL(scheme=place.scheme, host=place.host, port=place.port, target=place.path)
    budget = _Budget(time.monotonic() + seconds)
    with httpcore.ConnectionPool(tls, max_connections=1, network_backend=_Pinned(target.addresses, budget)) as pool:
        try:
            with pool.stream("POST", url, headers=list(all_headers.items()), content=body) as response:
                return _read(response, budget)
        except httpcore.TimeoutException:
            return Answer(error="timed-out")
        except _TlsFailed:
            return Answer(error="tls-failed")
        except httpcore.ConnectError:
            return Answer(error="no-connection")
        except (httpcore.ProtocolError, _ReadEnough):
            return Answer(error="not-http")
        except httpcore.NetworkError:
            return Answer(error="broken-off")


def _read(response: httpcore.Response, budget: "_Budget") -> Answer:
    kept = b""
    budget.shorten(SECONDS_FOR_BODY)
    # The body may be endless, too large, broken off or malformed: the receiver has answered all the same.
    with suppress(_ReadEnough, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.NetworkError):
        for part in response.iter_stream():
            kept += part[: MOST_KEPT - len(kept)]
            if len(kept) == MOST_KEPT:
                break
    headers = {name.lower(): value for name, value in response.headers}
    # Do not show compressed answers.
    plain = headers.get(b"content-encoding", b"identity").lower() == b"identity"
    text = _CONTROL.sub("\ufffd", kept.decode("utf-8", "replace")) if plain and kept else None
    error = None if 200 <= response.status < 300 else "redirect" if 300 <= response.status < 400 else "refused"
    return Answer(response.status, error, text, headers.get(b"retry-after", b"").decode("latin-1") or None)


class _ReadEnough(Exception):
    """The limit for reading an answer was reached."""


class _TlsFailed(Exception):
    """The receiver does not use TLS, or its certificate is invalid or not trusted."""


class _Budget:
    """Time and bytes that remain for one attempt."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._bytes = MOST_READ

    def seconds(self) -> float:
        """Seconds that remain; raises ReadTimeout if there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def shorten(self, seconds: float) -> None:
        """Leave at most so many seconds."""
        self._until = min(self._until, time.monotonic() + seconds)

    def room(self) -> int:
        """Bytes that may still be read; raises _ReadEnough if there are none."""
        if self._bytes <= 0:
            raise _ReadEnough
        return self._bytes

    def take(self, length: int) -> None:
        """Count bytes that were read."""
        self._bytes -= length


class _Watched(httpcore.NetworkStream):
    """A connection whose operations all end when the attempt's time is over."""

    def __init__(self, stream: httpcore.NetworkStream, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read received bytes."""
        # What has been read is always parsed, so that the outcome does not depend on how the network cut the answer.
        received = self._stream.read(min(max_bytes, self._budget.room()), self._budget.seconds())
        self._budget.take(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._stream.write(buffer, self._budget.seconds())

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Continue under TLS; the certificate must be for the host name, whichever address was used."""
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, self._budget.seconds())
        except httpcore.ConnectError as problem:
            raise _TlsFailed from problem
        return _Watched(stream, self._budget)

    def get_extra_info(self, info: str) -> Any:
        """Extra information about the connection."""
        return self._stream.get_extra_info(info)


class _Pinned(httpcore.NetworkBackend):
    """Connects only to the addresses that were checked, even if the name now resolves to others."""

    def __init__(self, addresses: Sequence[str], budget: _Budget) -> None:
        self._addresses = addresses[:MOST_ADDRESSES]
        self._budget = budget
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        for number, address in enumerate(self._addresses, 1):
            seconds = min(SECONDS_TO_CONNECT, self._budget.seconds())
            try:
                return _Watched(self._backend.connect_tcp(address, port, seconds), self._budget)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(self._addresses):
                    raise
        raise httpcore.ConnectError
