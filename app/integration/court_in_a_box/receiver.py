"""Where the court listens: to Accord's webhooks on one port, and to whoever gives it orders on another."""

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
        """Whoever breaks off is not waited for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SECONDS_TO_ARRIVE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Nothing: the court's state says what came."""

    def body(self) -> bytes | None:
        """What was sent, if it is not too long."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        return self.rfile.read(int(length))

    def answer(self, status: HTTPStatus, text: str = "", media_type: str = "text/plain; charset=utf-8") -> None:
        """Answer, and end the connection."""
        body = text.encode()
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Webhooks(_Handler):
    def do_POST(self) -> None:
        """Take an event, or do with it what the court was told to."""
        body = self.body()
        if body is None:
            return
        how = self.server.court.receive(dict(self.headers.items()), body)
        if how == acts.HANGS:
            self.server.closing.wait(SECONDS_OF_HANGING)
        elif how == acts.GARBAGE:
            self.wfile.write(_NO_HTTP)
        else:
            self.answer(_ANSWERS[how])


class _Orders(_Handler):
    def do_GET(self) -> None:
        """Tell how the court is."""
        self.answer(HTTPStatus.OK, json.dumps(self.server.court.state(), indent=2) + "\n", "application/json")

    def do_POST(self) -> None:
        """Obey each line, one after the other."""
        body = self.body()
        if body is None:
            return
        said = []
        try:
            for line in filter(str.strip, body.decode("utf-8", "replace").splitlines()):
                said.append(self.server.court.obey(line))
        except (BadOrder, RequestRefused, ServiceUnreachable) as problem:
            self.answer(HTTPStatus.BAD_REQUEST, "\n".join([*said, str(problem), ""]))
            return
        self.answer(HTTPStatus.OK, "\n".join([*said, ""]))


class Receiver:
    """A port on which the court hears webhooks (or, as `orders`, what it is to do); it can be closed and opened again.

    Orders are taken from this machine only: whoever may give them may make the court lie.
    """

    def __init__(self, court: SimulatedCourt, port: int = 0, host: str = LOOPBACK, *, orders: bool = False) -> None:
        self._court = court
        self._handler = _Orders if orders else _Webhooks
        self._host = LOOPBACK if orders else host
        self.port = port
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where it is reached on this machine."""
        return f"http://{LOOPBACK}:{self.port}/"

    def open(self) -> None:
        """Listen, unless it does already."""
        if self._server is None:
            self._server = _Server(self._host, self.port, self._handler, self._court)
            self.port = self._server.server_port
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more: whoever knocks is refused, and whoever hangs is let go."""
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
