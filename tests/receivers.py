"""Receivers of webhooks under test: they record requests, and accept, refuse, garble or never finish the answer."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

from app.core.outbound import Guard, allowed_by, guard_of
from app.operations.background.webhook_sender import WebhookSender
from tests.installation import House, Json

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    id: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> Json:
        """The event in the request."""
        return dict(json.loads(self.body))

    def verified(self, secret: str) -> Json:
        """The event, if it is signed with the secret; the library of Standard Webhooks raises an error otherwise."""
        return dict(Webhook(secret).verify(self.body, self.headers))


Behaviour = Callable[["BaseHTTPRequestHandler"], None]


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """A behaviour that gives this answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def garbage(handler: BaseHTTPRequestHandler) -> None:
    """Answer with something that is not HTTP."""
    handler.wfile.write(b"\x00\xff\x13\x37 no such protocol\r\n\r\n" * 20)
    handler.close_connection = True


def drips(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer and never end it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            handler.wfile.write(b"x-more: y\r\n")
            time.sleep(0.05)
    except OSError:
        return


def floods(handler: BaseHTTPRequestHandler) -> None:
    """Answer with far more than any sender reads."""
    handler.send_response(200)
    handler.send_header("content-length", str(50_000_000))
    handler.end_headers()
    try:
        for _part in range(500):
            handler.wfile.write(b"A" * 100_000)
    except OSError:
        return


@dataclass
class Receiver:
    """A receiver on a loopback port; `once` holds the behaviour of each next request, `behaves` that of the others."""

    port: int
    behaves: Behaviour
    once: list[Behaviour] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    url: str = ""

    def events(self) -> list[Json]:
        """The events, in the order of arrival."""
        return [request.event for request in self.received]

    def ids(self) -> list[str]:
        """The ids of the events."""
        return [request.id for request in self.received]


@contextmanager
def receiver(behaves: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that accepts everything by default."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                target.received.append(Received(headers["webhook-id"], headers, body, time.monotonic()))
                behave = target.once.pop(0) if target.once else target.behaves
            behave(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            return

    server = Quiet((LOOPBACK, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    target = Receiver(server.server_port, behaves or answers(204))
    target.url = f"http://{LOOPBACK}:{target.port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Canary:
    """A listener that no sender may reach: it counts connections."""

    port: int
    connections: int = 0


@contextmanager
def canary() -> Iterator[Canary]:
    """A listener on every address of this machine, at its own port."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::", 0))
        listening.listen(128)
        listening.settimeout(0.05)
        bird, stop = Canary(listening.getsockname()[1]), threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, _address = listening.accept()
                except TimeoutError:
                    continue
                bird.connections += 1
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield bird
        stop.set()
        thread.join()


@contextmanager
def guarded_by(house: House, guard: Guard) -> Iterator[None]:
    """Give the house another guard of addresses."""
    seams = house.app.state.seams
    house.app.state.seams = replace(seams, guard=guard)
    try:
        yield
    finally:
        house.app.state.seams = replace(house.app.state.seams, guard=seams.guard)


def letting(*allowed: str, names: dict[str, list[str]] | None = None) -> Guard:
    """A guard that lets these addresses through, and resolves only these names."""
    addresses = names or {}

    def resolve(host: str, _port: int) -> list[str]:
        if host not in addresses:
            raise OSError("unknown")
        return addresses[host]

    guard = guard_of(None)
    return replace(guard, allowed=allowed_by(",".join(allowed)), resolve=resolve)


def sender(house: House, seconds: float = 15) -> WebhookSender:
    """A sender on the house's database, with the house's clock."""
    seams = house.app.state.seams
    return WebhookSender(seams, lambda: seams.entropy("sender"), seconds)
