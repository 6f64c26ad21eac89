"""Connections to PostgreSQL that give up a server that does not answer.

A server that is stopped or hangs enforces no time limit of its own, and its kernel keeps the connection open.
"""

import time
from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

# The server ends a statement after this.
SECONDS_OF_A_STATEMENT = 15
# Two more, so that a server that answers at all answers first.
SECONDS_TO_ANSWER = SECONDS_OF_A_STATEMENT + 2.0
# A connection that answered within this time is used again without a question whether it still works.
SECONDS_TRUSTED = 1.0
# For that question.
SECONDS_TO_PING = 3.0
SECONDS_TO_CONNECT = 5
_INTERVAL = 0.1
Returned = TypeVar("Returned")


class NoAnswer(psycopg.OperationalError):
    """The server did not answer in time."""


class WrongSettings(psycopg.OperationalError):
    """A pooler gave a session whose settings are not those that the service relies on."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for each answer of its server at most so many seconds, and then closes itself."""

    seconds = SECONDS_TO_ANSWER
    answered_at = 0.0
    # When any connection was last lost: all those that were used before are suspected.
    lost_at = 0.0

    def wait(self, gen: PQGen[Returned], interval: float = _INTERVAL, timeout: float | None = None) -> Returned:
        """Wait for an answer; raises NoAnswer if it does not come in time."""
        began = time.monotonic()
        seconds = self.seconds if timeout is None else timeout
        try:
            answer = super().wait(gen, interval, seconds)
        except psycopg.OperationalError as problem:
            if problem.sqlstate is not None:
                raise
            # The error is not the server's: its answer would be taken for that of the next statement.
            self.pgconn.finish()
            self.suspect_all()
            if time.monotonic() - began >= seconds:
                raise NoAnswer(*problem.args) from problem
            raise
        self.answered_at = time.monotonic()
        return answer

    @classmethod
    def suspect_all(cls) -> None:
        """Let every connection be asked whether it still works before it is used again."""
        BoundedConnection.lost_at = time.monotonic()

    @property
    def is_trusted(self) -> bool:
        """Whether the connection answered a moment ago, and none was lost since."""
        return self.answered_at > self.lost_at and time.monotonic() - self.answered_at < SECONDS_TRUSTED


def is_disconnection(problem: BaseException | None) -> bool:
    """Whether an error of the driver says that the connection was lost, and not that the server did not answer."""
    in_vain = isinstance(problem, NoAnswer | WrongSettings | psycopg.errors.ConnectionTimeout)
    if not isinstance(problem, psycopg.OperationalError) or in_vain:
        return False
    return problem.sqlstate is None or problem.sqlstate.startswith(("08", "57P"))


def rows_in_one_trip(driver: Any, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[list[tuple[Any, ...]]]:
    """The rows of statements with PostgreSQL's own parameters, in one round trip with the beginning of the transaction.

    A statement that has run a few times is prepared by the driver.
    """
    if len(asked) == 1 and driver.info.transaction_status != TransactionStatus.IDLE:
        ((sql, values),) = asked
        return [psycopg.RawCursor(driver).execute(sql, values, binary=True).fetchall()]
    with driver.pipeline():
        cursors = [psycopg.RawCursor(driver).execute(sql, values, binary=True) for sql, values in asked]
        return [cursor.fetchall() for cursor in cursors]


def require_settings(connection: psycopg.Connection[Any], relied_on: dict[str, str]) -> None:
    """Raise WrongSettings, and close the connection, if the server reports other settings than these.

    The server reports those that decide how instants and texts are read, and a pooler keeps them for its client.
    """
    reported = {name: connection.info.parameter_status(name) for name in relied_on}
    wrong = [name for name, value in reported.items() if value not in (None, relied_on[name])]
    if wrong:
        connection.close()
        raise WrongSettings(
            f"sessions lack the settings {', '.join(wrong)}: run 'accord migrate', then let the pooler reconnect"
        )


def bound_waits(engine: Engine, relied_on: dict[str, str]) -> None:
    """Let the engine connect by bounded connections, with a shorter bound for those that wait in its pool.

    A connection with other settings than `relied_on` is not used: WrongSettings.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, words: Any, options: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(*words, **options)
        connection.seconds = SECONDS_TO_ANSWER
        require_settings(connection, relied_on)
        return connection

    ask = engine.dialect.do_ping

    def ping(connection: Any) -> bool:
        return connection.is_trusted or ask(connection)

    vars(engine.dialect)["do_ping"] = ping

    # The pool asks whether a connection works before it is checked out.
    @event.listens_for(engine, "checkin")
    def wait_in_pool(connection: BoundedConnection | None, _record: object) -> None:
        if connection is not None:
            connection.seconds = SECONDS_TO_PING

    @event.listens_for(engine, "checkout")
    def leave_pool(connection: BoundedConnection, _record: object, _proxy: object) -> None:
        connection.seconds = SECONDS_TO_ANSWER
