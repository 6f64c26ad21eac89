"""HTTP server: serves on a socket, in one process or several, with limits for slow clients."""

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
from app.core.http import errors
from app.core.http.metrics import SEVERAL, Look, serve_metrics
from app.core.http.middleware import is_upload
from app.core.http.waiting_room import stop_waiting
from app.settings import Settings

# Time to finish accepted requests; the process ends at most 25 seconds after its signal.
SECONDS_TO_FINISH = 20
# Connections that wait to be accepted.
_BACKLOG = 1024
# Files that a process opens in addition to its clients' connections: database, documents, log.
_OTHER_FILES = 200
_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"


def bound(host: str, port: int) -> socket.socket:
    """Listen on an address; clients may connect before the service is ready. Misconfigured if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With IPPROTO_TCP asyncio disables Nagle's algorithm; without it a body follows its head 40 ms later.
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
    """HTTP/1.1 with limits: on the time to receive a request, the time to take an answer, and connections."""

    seconds_to_arrive = 15.0
    most_connections = 1000
    # Bytes of a file or an answer that must move within `seconds_to_arrive` (by default 300 bytes a second).
    least_of_a_file = 4500
    _arrival: asyncio.TimerHandle | None = None
    _arrived = 0
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Expect a request, or refuse the connection if there are too many."""
        super().connection_made(transport)
        # `pause_writing` is called as soon as the client does not take what is sent.
        transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.most_connections:
            transport.write(_FULL)
            transport.close()
            return
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Receive bytes; the time limit ends when the request is complete."""
        super().data_received(data)
        self._arrived += len(data)
        if not self._waits_for_its_client():
            self._stop_waiting()
        elif self._arrival is None:
            self._expect()

    def shutdown(self) -> None:
        """End after the present answers; requests that wait for events are answered at once."""
        stop_waiting()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers of the connection."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the time limit for the client to take the rest of the answer."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client took the answer: stop the time limit."""
        self._stop_watching()
        super().resume_writing()

    def _watch(self) -> None:
        self._taking = self.loop.call_later(self.seconds_to_arrive, self._give_up_answer, self._left())

    def _left(self) -> int:
        """Bytes that the client has not taken, in this process and in the kernel, which buffers megabytes."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        in_kernel = int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return self.transport.get_write_buffer_size() + in_kernel

    def _stop_watching(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _give_up_answer(self, left: int) -> None:
        if left - self._left() < self.least_of_a_file:
            # `close` would wait for the client to take the rest.
            self.transport.abort()
        else:
            self._watch()

    def _waits_for_its_client(self) -> bool:
        """Whether a head or the rest of a body is still to come, even after the answer."""
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
        # While reading is paused, the service is slow and not its client.
        moves = self.flow.read_paused or self._arrived >= self.least_of_a_file
        if not waits and moves and is_upload(cast(Any, self.scope)):
            self._expect()
            return
        if waits or not cast(RequestResponseCycle, cycle).response_started:
            # The cycle writes nothing of its own any more: the application learns that its client is gone.
            self.transport.write(
                errors.late_request("" if waits else cast(Any, self.scope).get("accord.request_id", ""))
            )
        self.transport.close()


def serve(app: FastAPI, settings: Settings, listening: socket.socket) -> None:
    """Serve the app on a listening socket until a signal ends it.

    Raises Misconfigured if the service does not start, or its metrics port is taken.
    """
    set_patience(settings)
    offer_metrics(settings, app.state.look)
    server = uvicorn.Server(_configured(app))
    server.run(sockets=[listening])
    if not server.started:
        raise Misconfigured("The service did not start: see the log for the reason.")


@contextmanager
def served_in_background(app: FastAPI, settings: Settings, listening: socket.socket) -> Iterator[None]:
    """Serve the app on a listening socket in a thread, and end it afterwards."""
    set_patience(settings)
    server = uvicorn.Server(_configured(app))
    thread = threading.Thread(target=server.run, args=([listening],), name="accord-service", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise Misconfigured("The service did not start: see the log for the reason.")
        yield
    finally:
        server.should_exit = True
        thread.join(SECONDS_TO_FINISH)


def serve_by_several(settings: Settings, workers: int, listening: socket.socket, look: Look) -> None:
    """Serve on a listening socket in several processes, restarted if they end; a signal ends all of them.

    Raises Misconfigured if they do not start, or the metrics port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="accord-metrics-") as folder:
        os.environ[SEVERAL] = folder
        # After the folder is set: the processes share their metrics in it.
        offer_metrics(settings, look)
        config = _configured("app.main:from_environment", workers=workers, factory=True)
        several = _Several(config, sockets=[listening])
        several.run()
        if any(process.exitcode == STARTUP_FAILURE for process in several.processes):
            raise Misconfigured("The service did not start: see the log for the reason.")


class _Several(Multiprocess):
    """Processes that end together; new connections are then refused instead of waiting."""

    def terminate_all(self) -> None:
        """Close the parent's socket too: the kernel would otherwise accept connections for it."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def offer_metrics(settings: Settings, look: Look) -> None:
    """Serve metrics on their own port, if one is set; Misconfigured if it is taken."""
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, look)


def _configured(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # The same whatever else is installed: uvicorn would take uvloop if it finds it.
        loop="asyncio",
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
    """Apply the settings' limits on requests and connections, and raise the limit on open files accordingly."""
    PatientProtocol.seconds_to_arrive = float(settings.request_timeout)
    PatientProtocol.most_connections = settings.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
