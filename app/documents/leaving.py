"""A file on its way out: opened segment by segment, in a memory that does not grow with it."""

from collections.abc import AsyncIterator

from app.documents.sealing import HEADER, Opening, pieces
from app.documents.service import Leaf
from app.documents.storage import Storage


async def opened(storage: Storage, leaf: Leaf, start: int, end: int) -> AsyncIterator[bytes]:
    """The plain bytes of a document from `start` up to `end`, of which the first are opened already.

    Raises Missing or Altered if the sealed file is not what was written, and StorageUnavailable.
    """
    header = await storage.read(leaf.object_key, 0, HEADER)
    opening = Opening(leaf.key, leaf.size, header, await storage.size(leaf.object_key))
    rest = pieces(leaf.size, start, end)
    first = next(rest)
    opened_first = opening.open(first, await storage.read(leaf.object_key, first.start, first.end))

    async def stream() -> AsyncIterator[bytes]:
        yield opened_first
        for piece in rest:
            yield opening.open(piece, await storage.read(leaf.object_key, piece.start, piece.end))

    return stream()
