"""A file on its way in: hashed, looked at and sealed as it comes, in a memory that does not grow with it."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import TooLarge, invalid
from app.core.files.archives import check_archive
from app.core.files.kinds import Kind, Look
from app.core.files.sealing import HEADER, Key, Opening, Sealing, pieces, reader, sealed_size
from app.core.files.storage import Storage


@dataclass(frozen=True, slots=True)
class File:
    """What a request says of the file that it brings: its digests are SHA-256, its length is in bytes."""

    name: str
    kind: Kind
    digests: tuple[bytes, ...]
    length: int | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that lies whole and sealed under a key of the storage, and that no row names yet."""

    id: UUID
    object_key: str
    file: File
    size: int
    sha256: bytes


async def receive(
    storage: Storage,
    key: Key,
    object_key: str,
    file: File,
    limit: int,
    chance: tuple[bytes, bytes],
    chunks: AsyncIterator[bytes],
) -> Arrived:
    """Seal a file into the storage as it comes; `chance` are the salt and the nonce prefix, `limit` is in bytes.

    Raises TooLarge, Invalid for a file that is not taken, StorageUnavailable, and whatever the chunks raise; then no
    object stays behind.
    """
    sealing, look, hashed = Sealing(key, *chance), Look(file.kind), hashlib.sha256()
    size = 0

    async def sealed() -> AsyncIterator[bytes]:
        nonlocal size
        yield sealing.begin()
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(limit)
            hashed.update(chunk)
            look.add(chunk)
            yield sealing.add(chunk)
        _check_whole(file, size, hashed.digest())
        look.end()
        yield sealing.end()

    async with aclosing(sealed()) as stream:  # type: ignore[type-var]
        await storage.put(object_key, stream)
    if file.kind.is_archive:
        try:
            await storage.in_thread(lambda: _check_archive(storage, key, object_key, file.kind, size))
        except BaseException:
            await storage.in_thread(lambda: storage.delete_now(object_key))
            raise
    return Arrived(key.document_id, object_key, file, size, hashed.digest())


def _check_whole(file: File, size: int, sha256: bytes) -> None:
    if not size:
        raise invalid("", "empty", "The file is empty.")
    if file.length is not None and size != file.length:
        raise invalid("", "length-mismatch", "The file is not as long as the request says.")
    if any(digest != sha256 for digest in file.digests):
        raise invalid("", "digest-mismatch", "The file does not have the digest that the request says.")


def _check_archive(storage: Storage, key: Key, object_key: str, kind: Kind, size: int) -> None:
    # Read back through the seal: plain bytes lie on no disk.
    with reader(key, size, sealed_size(size), lambda start, end: storage.read_now(object_key, start, end)) as file:
        check_archive(kind, file)


def shown_digest(sha256: bytes) -> str:
    """A digest as `Repr-Digest` says it (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A document that may be handed out, with all that is needed to do so."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    object_key: str
    key: Key


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
