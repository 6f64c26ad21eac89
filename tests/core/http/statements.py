"""The statements that a service sends to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

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
