"""The statements that a service sends to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event

Statement = tuple[str, Any]


@contextmanager
def sent(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that reach the driver, with their values."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, sql: str, values: Any, *_rest: object) -> None:
        if sql.lstrip().startswith(("SELECT", "WITH")):
            seen.append((sql, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def explained(connection: Connection, how: str, statement: Statement) -> list[Any]:
    """The rows with which the database explains a statement that the service has sent."""
    sql, values = statement
    if "$1" in sql:
        # As kept statements are sent: PostgreSQL's own parameters.
        driver: Any = connection.connection.driver_connection
        return psycopg.RawCursor(driver).execute(f"{how} {sql}", values).fetchall()
    return list(connection.exec_driver_sql(f"{how} {sql}", values).all())
