"""HTTP/1.1 on a connection, with limits for slow clients; by h11, which runs everywhere."""

import asyncio
import fcntl
import sys
import termios
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from app.core.http import errors
from app.core.http.middleware import is_upload
from app.core.http.waiting_room import stop_waiting

_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 5\r\nconnection: close\r\n\r\n"


class PatientProtocol(asyncio.Protocol):
    """Limits of a connection: on the time to receive a request, the time to take an answer, and connections.

    It precedes a protocol of uvicorn among the bases of a class; the attributes without a value are that protocol's.
    """

    seconds_to_arrive = 15.0
    most_connections = 1000
    # Bytes of a file or an answer that must move within `seconds_to_arrive` (by default 300 bytes a second).
    least_of_a_file = 4500
    _arrival: asyncio.TimerHandle | None = None
    _arrived = 0
    _taking: asyncio.TimerHandle | None = None
    transport: Any
    loop: Any
    flow: Any
    cycle: Any
    scope: Any
    connections: Any

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
        self._expect_the_rest()

    def on_response_complete(self) -> None:
        """Go on with a request that arrived with the one that was answered; its rest has a time limit too."""
        super().on_response_complete()  # type: ignore[misc]
        if not self.cycle.response_complete:
            self._expect_the_rest()

    def shutdown(self) -> None:
        """End after the present answers; requests that wait for events are answered at once."""
        stop_waiting()
        super().shutdown()  # type: ignore[misc]

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
        return int(self.transport.get_write_buffer_size()) + in_kernel

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
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def _expect_the_rest(self) -> None:
        if not self._waits_for_its_client():
            self._stop_waiting()
        elif self._arrival is None:
            self._expect()

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
        cycle = self.cycle
        waits = cycle is None or cycle.response_complete
        # While reading is paused, the service is slow and not its client.
        moves = self.flow.read_paused or self._arrived >= self.least_of_a_file
        if not waits and moves and is_upload(self.scope):
            self._expect()
            return
        if waits or not cycle.response_started:
            # The cycle writes nothing of its own any more: the application learns that its client is gone.
            self.transport.write(errors.late_request("" if waits else self.scope.get("accord.request_id", "")))
        self.transport.close()


class H11Connection(PatientProtocol, H11Protocol):
    """HTTP/1.1 by h11, which is written in Python, on the loop of asyncio."""
