"""Storage and database held against each other: what nobody names is swept, what is missing or altered is named."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.session import GatedSession, as_system
from app.core.db import AnySelect
from app.core.errors import Altered
from app.core.files.sealing import READ_AT_ONCE, SEGMENT, Key, reader
from app.core.files.storage import Missing, Storage
from app.core.tables.contents import DataKey
from app.core.tables.courts import OrderFile
from app.core.tables.documents import KEPT, Document

# An upload may be under way that long before its document is entered.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """A document whose bytes must lie somewhere; without a data key they can be read no more, by design."""

    id: UUID
    case_id: UUID
    object_key: str
    size: int
    sha256: bytes
    data_key: bytes | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Where storage and database differ: `missing`, `altered` or `unreferenced`."""

    kind: str
    object_key: str
    document_id: UUID | None


# The keys of all objects that documents, and orders of courts, name.
NAMING = (select(Document.object_key).where(Document.state.in_(KEPT)), select(OrderFile.object_key))


def referenced(db: GatedSession) -> set[str]:
    """The keys of all objects that something names."""
    with as_system(db):
        return {key for naming in NAMING for key in db.execute(naming).scalars()}


def old_objects(storage: Storage, now: datetime) -> list[str]:
    """The keys of the objects that are older than a day; StorageUnavailable if they cannot be listed."""
    return [found.key for found in storage.objects() if found.modified_at < now - PATIENCE]


def sweep(storage: Storage, old: Sequence[str], named: set[str], now: datetime) -> int:
    """Remove old objects that no document names, and what cut-off uploads left; how many they were.

    `old` must have been listed before `named` was read, or what was entered in between would be lost.
    """
    swept = [key for key in old if key not in named]
    for key in swept:
        storage.delete_now(key)
    return len(swept) + storage.remove_leftovers(now - PATIENCE)


def expected(db: GatedSession) -> list[Expected]:
    """Every document, and order of a court, whose bytes must lie in the storage, with what opens them."""
    kept = _expected(Document, Document.case_id).where(Document.state.in_(KEPT))
    # An order lies under the key of its referral, as contents do.
    orders = _expected(OrderFile, OrderFile.referral_id)
    with as_system(db):
        rows = sorted((*db.execute(kept), *db.execute(orders)), key=lambda row: str(row.object_key))
    sealer = db.sealer
    return [
        Expected(
            row.id,
            row.case_id,
            row.object_key,
            row.size,
            row.sha256,
            sealer.unwrap(row.wrapped) if row.wrapped else None,
        )
        for row in rows
    ]


def _expected(table: type[Document] | type[OrderFile], case_id: Any) -> AnySelect:
    columns = (table.id, case_id.label("case_id"), table.object_key, table.size, table.sha256, DataKey.wrapped)
    return select(*columns).join(DataKey, DataKey.case_id == case_id, isouter=True)


def compare(documents: Sequence[Expected], storage: Storage, now: datetime) -> Iterator[Fault]:
    """Read every document to its end, and tell what is missing, altered, or lies there for nothing.

    Objects younger than a day may belong to uploads under way and are not told of.
    """
    for document in documents:
        kind = _fault_of(document, storage)
        if kind is not None:
            yield Fault(kind, document.object_key, document.id)
    named = {document.object_key for document in documents}
    for key in old_objects(storage, now):
        if key not in named:
            yield Fault("unreferenced", key, None)


def _fault_of(document: Expected, storage: Storage) -> str | None:
    key = document.object_key
    try:
        sealed = storage.size_now(key)
        if document.data_key is None:
            return None
        opens = Key(document.data_key, document.id)
        with reader(opens, document.size, sealed, lambda start, end: storage.read_now(key, start, end)) as file:
            hashed = hashlib.sha256()
            while part := file.read(READ_AT_ONCE * SEGMENT):
                hashed.update(part)
    except Missing:
        return "missing"
    except Altered:
        return "altered"
    return None if hashed.digest() == document.sha256 else "altered"
