"""Running the service: on a socket, in one process or several, with clients that may be slow, or worse."""

import asyncio
import fcntl
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from app.errors import Misconfigured
from app.http.metrics import SEVERAL, serve_metrics
from app.http.middleware import is_upload
from app.http.waiting import stop_waiting
from app.settings import Settings

# Accepted requests are finished within this time; then the process ends, 25 seconds after it was told to at the latest.
SECONDS_TO_FINISH = 20
# So many connections wait at the door.
_BACKLOG = 1024
_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"


@contextmanager
def only_process(settings: Settings) -> Iterator[None]:
    """Hold the SQLite file for this process alone; Misconfigured if another one serves it."""
    if not settings.is_sqlite:
        yield
        return
    descriptor = os.open(f"{make_url(settings.database_url).database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Misconfigured(
                "Another process serves this SQLite file. One process may; for several, use PostgreSQL."
            ) from problem
        yield
    finally:
        os.close(descriptor)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there from now on: who comes before it is served waits; Misconfigured if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as problem:
        listening.close()
        raise Misconfigured(f"Cannot listen on {host}, port {port}: {problem.strerror}.") from problem
    return listening


class PatientProtocol(H11Protocol):
    """HTTP for slow clients, up to a point: a request that has not arrived in time is given up, and so is a crowd."""

    seconds_to_arrive = 30.0
    most_connections = 1000
    # A file may take its time, but as much as this must come of it within the time of a request (150 bytes a second).
    least_of_a_file = 4500
    _arrival: asyncio.TimerHandle | None = None
    _arrived = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for a request, unless too many wait already."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.write(_FULL)
            transport.close()
            return
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take what has come; the time of a request ends when all of it is there."""
        super().data_received(data)
        self._arrived += len(data)
        if not self._waits_for_its_client():
            self._stop_waiting()
        elif self._arrival is None:
            self._expect()

    def shutdown(self) -> None:
        """End as soon as what is being answered is answered; nobody is kept waiting for news."""
        stop_waiting()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _waits_for_its_client(self) -> bool:
        """Whether a head, or the rest of a body, is still to come; the last request may be answered already."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _expect(self) -> None:
        self._arrived = 0
        self._arrival = self.loop.call_later(self.seconds_to_arrive, self._give_up)

    def _stop_waiting(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _give_up(self) -> None:
        self._arrival = None
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        waits = cycle is None or cycle.response_complete
        # Where reading is paused it is the service, and not its client, that is slow.
        moves = self.flow.read_paused or self._arrived >= self.least_of_a_file
        if not waits and moves and is_upload(cast(Any, self.scope)):
            self._expect()
            return
        if waits:
            self.transport.write(_LATE)
        self.transport.close()


def serve(app: FastAPI, settings: Settings, listening: socket.socket) -> None:
    """Serve the app on a bound socket until a signal ends it."""
    set_patience(settings)
    _serve_metrics(settings)
    uvicorn.Server(_configured(app)).run(sockets=[listening])


@contextmanager
def served_beside(app: FastAPI, settings: Settings, listening: socket.socket) -> Iterator[None]:
    """Serves the app on a bound socket while something else goes on in this process, and ends it then."""
    set_patience(settings)
    server = uvicorn.Server(_configured(app))
    thread = threading.Thread(target=server.run, args=([listening],), name="accord-service", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise Misconfigured("The service did not start.")
        yield
    finally:
        server.should_exit = True
        thread.join(SECONDS_TO_FINISH)


def serve_by_several(settings: Settings, workers: int, listening: socket.socket) -> None:
    """Serve on a bound socket by processes that are started again if they end; a signal ends all of them."""
    with tempfile.TemporaryDirectory(prefix="accord-metrics-") as folder:
        os.environ[SEVERAL] = folder
        # Only now: the figures of all processes are found by that folder.
        _serve_metrics(settings)
        config = _configured("app.main:from_environment", workers=workers, factory=True)
        _Several(config, sockets=[listening]).run()


class _Several(Multiprocess):
    """Processes that are ended together; what knocks from then on is refused and not kept waiting at the door."""

    def terminate_all(self) -> None:
        """Close the door of this process too, or the system would go on taking connections for it."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def _serve_metrics(settings: Settings) -> None:
    if settings.metrics_port:
        serve_metrics(settings.metrics_port)


def _configured(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
        backlog=_BACKLOG,
        **more,
    )


def set_patience(settings: Settings) -> None:
    """Wait for this process's clients as the settings say."""
    PatientProtocol.seconds_to_arrive = float(settings.request_timeout)
    PatientProtocol.most_connections = settings.connections
