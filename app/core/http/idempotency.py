"""A request repeated under its key has one effect, and answers each time as its author may see it now."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy.exc
from sqlalchemy import select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from starlette.requests import Request

from app.core.access.session import GatedSession
from app.core.db import LOCK_NOT_AVAILABLE, is_postgresql, sqlstate
from app.core.errors import KeyInProgress, KeyReused, invalid
from app.core.tables.idempotency import IdempotencyRecord

LIFE = timedelta(days=7)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Success:
    """What is remembered of the first request: its status and the ids of its item."""

    status: int
    ids: tuple[UUID, ...]


def key_of(request: Request) -> str | None:
    """The request's idempotency key; Invalid if it is not 1 to 255 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise invalid("header/Idempotency-Key", "key", "A key has 1 to 255 visible ASCII characters.")
    return key


def fingerprint(request: Request, body: bytes) -> bytes:
    """What makes two requests the same: method, path, query, media type and body."""
    parts = (
        request.method,
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        request.headers.get("content-type", ""),
        hashlib.sha256(body).hexdigest(),
    )
    return hashlib.sha256("\n".join(parts).encode()).digest()


def claim(db: GatedSession, principal_id: UUID, key: str, print_: bytes, now: datetime) -> Success | None:
    """Take the key for this transaction (None), or what its first request ended in.

    Raises KeyReused for another request's key and KeyInProgress while the first request has not ended.
    """
    if _insert(db, principal_id, key, print_, now):
        return None
    record = IdempotencyRecord
    found = db.execute(
        select(record.fingerprint, record.status, record.ids).where(
            record.principal_id == principal_id, record.key == key
        )
    ).one()
    if found.fingerprint != print_:
        raise KeyReused
    return Success(found.status, tuple(UUID(id) for id in found.ids))


def _insert(db: GatedSession, principal_id: UUID, key: str, print_: bytes, now: datetime) -> bool:
    dialect = postgresql if is_postgresql(db) else sqlite
    values = {"principal_id": principal_id, "key": key, "fingerprint": print_, "ids": [], "created_at": now}
    fresh = dialect.insert(IdempotencyRecord).values(**values)
    claimed = fresh.on_conflict_do_update(
        index_elements=["principal_id", "key"],
        set_={"fingerprint": print_, "status": None, "ids": [], "created_at": now},
        where=IdempotencyRecord.created_at < now - LIFE,
    ).returning(IdempotencyRecord.key)
    if dialect is sqlite:
        return db.execute(claimed).first() is not None
    db.execute(text("SET LOCAL lock_timeout = '2s'"))
    try:
        taken = db.execute(claimed).first() is not None
    except sqlalchemy.exc.OperationalError as problem:
        if sqlstate(problem) == LOCK_NOT_AVAILABLE:
            raise KeyInProgress from problem
        raise
    db.execute(text("SET LOCAL lock_timeout = '10s'"))
    return taken


def remember(db: GatedSession, principal_id: UUID, key: str, status: int, ids: Sequence[UUID]) -> None:
    """Keep what the request ended in, in the transaction of its effect."""
    record = IdempotencyRecord
    mine = update(record).where(record.principal_id == principal_id, record.key == key)
    db.execute(mine.values(status=status, ids=[str(id) for id in ids]))
