"""Connections to PostgreSQL that give up a server that does not answer.

A server that is stopped or hangs enforces no time limit of its own, and its kernel keeps the connection open.
"""

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event

# The server ends a statement after this.
SECONDS_OF_A_STATEMENT = 15
# Two more, so that a server that answers at all answers first.
SECONDS_TO_ANSWER = SECONDS_OF_A_STATEMENT + 2.0
# For the question whether a connection from the pool still works.
SECONDS_TO_PING = 3.0
SECONDS_TO_CONNECT = 5
_INTERVAL = 0.1
Returned = TypeVar("Returned")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for each answer of its server at most so many seconds, and then closes itself."""

    seconds = SECONDS_TO_ANSWER

    def wait(self, gen: PQGen[Returned], interval: float = _INTERVAL, timeout: float | None = None) -> Returned:
        """Wait for an answer; raises OperationalError if it does not come in time."""
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except psycopg.OperationalError as problem:
            # Without a state the error is not the server's: its answer would be taken for that of the next statement.
            if problem.sqlstate is None:
                self.pgconn.finish()
            raise


def bound_waits(engine: Engine) -> None:
    """Let the engine connect by bounded connections, with a shorter bound for those that wait in its pool."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, words: Any, options: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*words, **options)
        connection.seconds = SECONDS_TO_ANSWER
        return connection

    # The pool asks whether a connection works before it is checked out.
    @event.listens_for(engine, "checkin")
    def wait_in_pool(connection: BoundedConnection | None, _record: object) -> None:
        if connection is not None:
            connection.seconds = SECONDS_TO_PING

    @event.listens_for(engine, "checkout")
    def leave_pool(connection: BoundedConnection, _record: object, _proxy: object) -> None:
        connection.seconds = SECONDS_TO_ANSWER
