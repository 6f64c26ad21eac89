"""The statements that a block of code sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that reach the driver."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_rest: Any) -> None:
        flat = " ".join(sql.split())
        heads = "max(events.seq)" in flat
        if not heads and not flat.startswith("BEGIN") and not any(besides in flat for besides in _BESIDES):
            seen.append(flat)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


# Left out of the count: who asks, the transaction itself, the seal and the idempotency record.
_BESIDES = (
    "FROM users JOIN tokens",
    "INSERT INTO events",
    "idempotency_records",
    "lock_timeout",
)
