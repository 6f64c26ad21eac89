"""A file on its way out of the storage."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import Altered
from app.core.files.sealing import HEADER, Key, SealedFile, pieces, sealed_size
from app.core.files.storage import Storage


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that may be downloaded, with all that this needs; `size` is in bytes."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    object_key: str
    key: Key


def repr_digest(sha256: bytes) -> str:
    """The value of `Repr-Digest` for a digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


async def plain_bytes(storage: Storage, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
    """The plain bytes of a file from `start` up to `end`; the first of them are unsealed before it returns.

    Raises Missing or Altered if the sealed file is not what was written, and StorageUnavailable.
    """
    size = await storage.size(file.object_key)
    if size != sealed_size(file.size):
        # Before any read: storages report a range past the end as if they could not be reached.
        raise Altered("The sealed file does not have the length that was written.")
    header = await storage.read(file.object_key, 0, HEADER)
    sealed = SealedFile(file.key, file.size, header, size)
    rest = pieces(file.size, start, end)
    first = next(rest)
    first_bytes = sealed.open(first, await storage.read(file.object_key, first.start, first.end))

    async def stream() -> AsyncIterator[bytes]:
        yield first_bytes
        for piece in rest:
            yield sealed.open(piece, await storage.read(file.object_key, piece.start, piece.end))

    return stream()
