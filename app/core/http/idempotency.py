"""Idempotency keys: a repeated request has one effect, and each answer shows what its author may see now."""

import hashlib
import re
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
    """The outcome of the first request under a key: its status and the ids of its item."""

    status: int
    ids: tuple[UUID, ...]


def key_of(request: Request) -> str | None:
    """The idempotency key of a request; raises Invalid if it is not 1 to 255 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise invalid("header/Idempotency-Key", "key", "Give a key of 1 to 255 visible ASCII characters.")
    return key


def fingerprint(request: Request, body: bytes) -> bytes:
    """The hash by which two requests are the same: of method, path, query, media type and body."""
    parts = (
        request.method,
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        request.headers.get("content-type", ""),
        hashlib.sha256(body).hexdigest(),
    )
    return hashlib.sha256("\n".join(parts).encode()).digest()


def claim(db: GatedSession, principal_id: UUID, key: str, fingerprint: bytes, now: datetime) -> Success | None:
    """Claim the key for this transaction; None if it is free, else the outcome of its first request.

    Raises KeyReused for the key of another request, and KeyInProgress while the first request is running.
    """
    if _insert(db, principal_id, key, fingerprint, now):
        return None
    record = IdempotencyRecord
    row = db.execute(
        select(record.fingerprint, record.status, record.ids).where(
            record.principal_id == principal_id, record.key == key
        )
    ).one()
    if row.fingerprint != fingerprint:
        raise KeyReused
    return Success(row.status, tuple(UUID(id) for id in row.ids))


def is_remembered(db: GatedSession, principal_id: UUID, key: str, now: datetime) -> bool:
    """Whether a request under this key succeeded, and a repetition of it would be answered again."""
    record = IdempotencyRecord
    kept = (record.principal_id == principal_id, record.key == key, record.created_at >= now - LIFE)
    return db.execute(select(record.key).where(*kept, record.status.is_not(None))).first() is not None


def _insert(db: GatedSession, principal_id: UUID, key: str, fingerprint: bytes, now: datetime) -> bool:
    dialect = postgresql if is_postgresql(db) else sqlite
    values = {"principal_id": principal_id, "key": key, "fingerprint": fingerprint, "ids": [], "created_at": now}
    fresh = dialect.insert(IdempotencyRecord).values(**values)
    claimed = fresh.on_conflict_do_update(
        index_elements=["principal_id", "key"],
        set_={"fingerprint": fingerprint, "status": None, "ids": [], "created_at": now},
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


def remember(db: GatedSession, principal_id: UUID, key: str, success: Success) -> None:
    """Store the outcome of the request, in the transaction of its effect."""
    record = IdempotencyRecord
    claimed = update(record).where(record.principal_id == principal_id, record.key == key)
    db.execute(claimed.values(status=success.status, ids=[str(id) for id in success.ids]))
