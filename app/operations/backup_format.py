"""Format of a backup, shared by backup and restore: names of entries, values as JSON, and faults in plain words.

A backup is a ZIP archive: `manifest.json`, for each table a file with one JSON object per line, and the documents. It
contains what the database contains: people's contents stay sealed, and the master key is not included.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import Date, LargeBinary, Uuid

from app.core.db import UtcDateTime, sqlite
from app.core.errors import Misconfigured

FORMAT = 1
MANIFEST, OBJECTS = "manifest.json", "objects/"
# Rows read or written at once.
ROWS_AT_ONCE = 500


@contextmanager
def explained(failure: str) -> Iterator[None]:
    """Turn faults of disk and database into Misconfigured with the reason, without any values of rows."""
    try:
        yield
    except OSError as problem:
        raise Misconfigured(f"{failure}: {problem.strerror or type(problem).__name__}.") from problem
    except (sqlite.Error, DBAPIError) as problem:
        reason = str(getattr(problem, "orig", problem)).splitlines()[0]
        raise Misconfigured(f"{failure}: {reason.removesuffix('.')}.") from problem


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """Connect, and dispose of the engine at the end."""
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def entry_of(name: str) -> str:
    """Name of the archive entry of a table."""
    return f"tables/{name}.jsonl"


def written_value(value: Any) -> Any:
    """A column's value as JSON: ids and dates as text, bytes in base64."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


def read_value(table: Table, name: str, value: Any) -> Any:
    """A value of a backup as its column stores it."""
    kind = table.columns[name].type
    if value is None:
        return None
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value
