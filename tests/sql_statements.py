"""The SQL statements that a block of code sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def recorded_statements(engine: Engine) -> Iterator[list[str]]:
    """Record the statements that reach the driver, without those that every request sends."""
    recorded: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_rest: Any) -> None:
        flat = " ".join(sql.split())
        reads_heads = "max(events.seq)" in flat
        if not reads_heads and not flat.startswith("BEGIN") and not any(part in flat for part in _NOT_RECORDED):
            recorded.append(flat)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield recorded
    finally:
        event.remove(engine, "before_cursor_execute", note)


# Authentication, the transaction itself, the ledger's seal and the idempotency record.
_NOT_RECORDED = (
    "FROM users JOIN tokens",
    "INSERT INTO events",
    "idempotency_records",
    "lock_timeout",
)
