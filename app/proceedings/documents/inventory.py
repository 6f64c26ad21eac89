"""The inventory of stored files: which the database names, which are missing or altered, which can be deleted."""

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

# A file that no row names may belong to an upload that has not ended. After this time it does not.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """A document, or an order of a court, whose file must be in the storage.

    `size` (bytes) and `sha256` are those of the plain file. There is no data key, and no reader, once it is destroyed.
    """

    id: UUID
    object_key: str
    size: int
    sha256: bytes
    data_key: bytes | None


@dataclass(frozen=True, slots=True)
class StorageFault:
    """A difference between storage and database: a file is `missing`, `altered` or `unreferenced`."""

    kind: str
    object_key: str
    document_id: UUID | None


# Selects the storage keys of all files: those of documents and those of courts' orders.
NAMING = (select(Document.object_key).where(Document.state.in_(KEPT)), select(OrderFile.object_key))


def referenced(db: GatedSession) -> set[str]:
    """Return the storage keys of all files that a row names."""
    with as_system(db):
        return {key for naming in NAMING for key in db.execute(naming).scalars()}


def old_objects(storage: Storage, now: datetime) -> list[str]:
    """Return the keys of the files that are older than a day; raises StorageUnavailable."""
    return [stored.key for stored in storage.objects() if stored.modified_at < now - PATIENCE]


def sweep(storage: Storage, old: Sequence[str], named: set[str], now: datetime) -> int:
    """Delete old files that no row names and the remains of interrupted uploads; return how many there were.

    `old` must be listed before `named` is read: otherwise a document that is entered in between loses its file.
    """
    unnamed = [key for key in old if key not in named]
    for key in unnamed:
        storage.delete_now(key)
    return len(unnamed) + storage.remove_leftovers(now - PATIENCE)


def expected(db: GatedSession) -> list[Expected]:
    """Return every document and court's order whose file must be in the storage, with its data key."""
    documents = _expected(Document, Document.case_id).where(Document.state.in_(KEPT))
    # An order is sealed with the data key of its referral.
    orders = _expected(OrderFile, OrderFile.referral_id)
    with as_system(db):
        rows = sorted((*db.execute(documents), *db.execute(orders)), key=lambda row: str(row.object_key))
    sealer = db.sealer
    return [
        Expected(
            row.id,
            row.object_key,
            row.size,
            row.sha256,
            sealer.unwrap(row.wrapped) if row.wrapped else None,
        )
        for row in rows
    ]


def _expected(table: type[Document] | type[OrderFile], key_owner_id: Any) -> AnySelect:
    columns = (table.id, table.object_key, table.size, table.sha256, DataKey.wrapped)
    return select(*columns).join(DataKey, DataKey.case_id == key_owner_id, isouter=True)


def compare(documents: Sequence[Expected], storage: Storage, now: datetime) -> Iterator[StorageFault]:
    """Read every file to its end, and yield those that are missing or altered, and those that no row names.

    A file younger than a day may belong to an upload that has not ended, and is not reported as unreferenced.
    """
    for document in documents:
        kind = _fault_of(document, storage)
        if kind is not None:
            yield StorageFault(kind, document.object_key, document.id)
    named = {document.object_key for document in documents}
    for key in old_objects(storage, now):
        if key not in named:
            yield StorageFault("unreferenced", key, None)


def _fault_of(document: Expected, storage: Storage) -> str | None:
    key = document.object_key
    try:
        sealed_size = storage.size_now(key)
        if document.data_key is None:
            return None
        sealing = Key(document.data_key, document.id)
        with reader(sealing, document.size, sealed_size, lambda start, end: storage.read_now(key, start, end)) as file:
            sha256 = hashlib.sha256()
            while part := file.read(READ_AT_ONCE * SEGMENT):
                sha256.update(part)
    except Missing:
        return "missing"
    except Altered:
        return "altered"
    return None if sha256.digest() == document.sha256 else "altered"
