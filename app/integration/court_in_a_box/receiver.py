"""The court's ports: one receives Accord's webhooks, the other orders."""

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.integration.client import RequestRefused, ServiceUnreachable
from app.integration.court_in_a_box import simulated_court as acts
from app.integration.court_in_a_box.simulated_court import BadOrder, SimulatedCourt

MOST_BYTES = 1024 * 1024
LOOPBACK = "127.0.0.1"
SECONDS_TO_ARRIVE, SECONDS_OF_HANGING = 10, 60
_NO_HTTP = b"\x00\xff\x13\x37 the clerk is at lunch\r\n\r\n" * 20
_ANSWERS = {
    acts.TAKEN: HTTPStatus.NO_CONTENT,
    acts.NOT_SIGNED: HTTPStatus.UNAUTHORIZED,
    acts.FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler], court: SimulatedCourt) -> None:
        self.court = court
        self.closing = threading.Event()
        super().__init__((host, port), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SECONDS_TO_ARRIVE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Log nothing: the court's state contains what came."""

    def body(self) -> bytes | None:
        """The body of the request; None, after an answer, if it is too long."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self.rfile.read(int(length))

    def answer(self, status: HTTPStatus, text: str = "", media_type: str = "text/plain; charset=utf-8") -> None:
        """Send an answer."""
        body = text.encode()
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Webhooks(_Handler):
    def do_POST(self) -> None:
        """Receive a webhook, and answer as the court decides."""
        body = self.body()
        if body is None:
            return
        decision = self.server.court.receive(dict(self.headers.items()), body)
        if decision == acts.HANGS:
            self.server.closing.wait(SECONDS_OF_HANGING)
        elif decision == acts.GARBAGE:
            self.wfile.write(_NO_HTTP)
        else:
            self.answer(_ANSWERS[decision])


class _Orders(_Handler):
    def do_GET(self) -> None:
        """Answer with the state of the court."""
        self.answer(HTTPStatus.OK, json.dumps(self.server.court.state(), indent=2) + "\n", "application/json")

    def do_POST(self) -> None:
        """Carry out each line as an order."""
        body = self.body()
        if body is None:
            return
        results = []
        try:
            for line in filter(str.strip, body.decode("utf-8", "replace").splitlines()):
                results.append(self.server.court.obey(line))
        except (BadOrder, RequestRefused, ServiceUnreachable) as problem:
            self.answer(HTTPStatus.BAD_REQUEST, "\n".join([*results, str(problem), ""]))
            return
        self.answer(HTTPStatus.OK, "\n".join([*results, ""]))


class Receiver:
    """A port that receives webhooks, or `orders`; it can be closed and opened again.

    Orders are accepted from this machine only, because they can make the court misbehave.
    """

    def __init__(self, court: SimulatedCourt, port: int = 0, host: str = LOOPBACK, *, orders: bool = False) -> None:
        self._court = court
        self._handler = _Orders if orders else _Webhooks
        self._host = LOOPBACK if orders else host
        self.port = port
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Its URL on this machine."""
        return f"http://{LOOPBACK}:{self.port}/"

    def open(self) -> None:
        """Start to listen, unless it already does."""
        if self._server is None:
            self._server = _Server(self._host, self.port, self._handler, self._court)
            self.port = self._server.server_port
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening, refuse new connections and end those that hang."""
        if self._server is not None:
            self._server.closing.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "Receiver":
        self.open()
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()
