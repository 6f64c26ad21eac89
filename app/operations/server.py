"""Running the service: on a socket, in one process or several, with clients that may be slow, or worse."""

import asyncio
import fcntl
import os
import resource
import socket
import sys
import tempfile
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from app.core.errors import Misconfigured
from app.core.http.metrics import SEVERAL, Look, serve_metrics
from app.core.http.middleware import is_upload
from app.core.http.waiting import stop_waiting
from app.settings import Settings

# Accepted requests are finished within this time; then the process ends, 25 seconds after it was told to at the latest.
SECONDS_TO_FINISH = 20
# So many connections wait at the door.
_BACKLOG = 1024
# What a process opens besides the connections of its clients: the database's, documents, the log.
_OTHER_FILES = 200
_LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there from now on: who comes before it is served waits; Misconfigured if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, since only then asyncio sends each part at once: otherwise a body waits 40 ms behind its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as problem:
        listening.close()
        raise Misconfigured(f"Cannot listen on {host}, port {port}: {problem.strerror}.") from problem
    return listening


class PatientProtocol(H11Protocol):
    """HTTP for slow clients, up to a point: a request that has not arrived in time is given up, and so is a crowd.

    So is an answer that its client does not take.
    """

    seconds_to_arrive = 30.0
    most_connections = 1000
    # A file or an answer may take its time, but so much must move within the time of a request (150 bytes a second).
    least_of_a_file = 4500
    _arrival: asyncio.TimerHandle | None = None
    _arrived = 0
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a request, unless too many wait already."""
        super().connection_made(transport)
        # So that it is seen at once when a client does not take what it is sent.
        transport.set_write_buffer_limits(high=0)
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
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See that the client takes what is left for it."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """All of it is taken."""
        self._stop_watching()
        super().resume_writing()

    def _watch(self) -> None:
        self._taking = self.loop.call_later(self.seconds_to_arrive, self._give_up_answer, self._left())

    def _left(self) -> int:
        """What the client has not taken yet, here and in the system, which keeps megabytes of it."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        kept = int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return self.transport.get_write_buffer_size() + kept

    def _stop_watching(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _give_up_answer(self, left: int) -> None:
        if left - self._left() < self.least_of_a_file:
            # Closing would wait for the client to take the rest.
            self.transport.abort()
        else:
            self._watch()

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
    """Serve the app on a bound socket until a signal ends it.

    Raises Misconfigured if it does not start, or the port for its figures is taken.
    """
    set_patience(settings)
    offer_metrics(settings, app.state.look)
    server = uvicorn.Server(_configured(app))
    server.run(sockets=[listening])
    if not server.started:
        raise Misconfigured("The service did not start.")


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


def serve_by_several(settings: Settings, workers: int, listening: socket.socket, look: Look) -> None:
    """Serve on a bound socket by processes that are started again if they end; a signal ends all of them.

    Raises Misconfigured if they do not start, or the port for their figures is taken.
    """
    with tempfile.TemporaryDirectory(prefix="accord-metrics-") as folder:
        os.environ[SEVERAL] = folder
        # Only now: the figures of all processes are found by that folder.
        offer_metrics(settings, look)
        config = _configured("app.main:from_environment", workers=workers, factory=True)
        several = _Several(config, sockets=[listening])
        several.run()
        if any(process.exitcode == STARTUP_FAILURE for process in several.processes):
            raise Misconfigured("The service did not start.")


class _Several(Multiprocess):
    """Processes that are ended together; what knocks from then on is refused and not kept waiting at the door."""

    def terminate_all(self) -> None:
        """Close the door of this process too, or the system would go on taking connections for it."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def offer_metrics(settings: Settings, look: Look) -> None:
    """Serve the figures on a port of their own, if one is set; Misconfigured if it is taken."""
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, look)


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
    """Wait for this process's clients as the settings say, with as many open files as that takes where it may."""
    PatientProtocol.seconds_to_arrive = float(settings.request_timeout)
    PatientProtocol.most_connections = settings.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
