"""A file on its way into the storage: hashed, checked and sealed as it arrives, in bounded memory."""

import hashlib
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import anyio
import anyio.to_thread

from app.core.errors import TooLarge, invalid
from app.core.files.archives import check_archive
from app.core.files.kinds import PDF, ContentCheck, Kind
from app.core.files.pdfs import check_pdf, check_size
from app.core.files.sealing import READ_AT_ONCE, SEGMENT, Key, Sealing, reader, sealed_size
from app.core.files.storage import Storage


@dataclass(frozen=True, slots=True)
class File:
    """What a request states of its file: its digests (SHA-256), and its length in bytes.

    `renders` says that every page of a PDF must be drawn, as it must for a settlement's text.
    """

    name: str
    kind: Kind
    digests: tuple[bytes, ...]
    length: int | None
    renders: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a file is stored, and how it is sealed there; `limit` is the largest size in bytes."""

    key: Key
    object_key: str
    salt: bytes
    prefix: bytes
    limit: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is in the storage, whole and sealed, but in no row yet; `size` is in bytes."""

    id: UUID
    object_key: str
    file: File
    size: int
    sha256: bytes


async def receive(storage: Storage, slot: Slot, file: File, chunks: AsyncIterator[bytes]) -> Arrived:
    """Seal a file into the storage as its chunks arrive.

    Raises TooLarge, Invalid for a file that is not accepted, StorageUnavailable, and whatever the chunks raise; then
    no object is left in the storage.
    """
    sealing, check, hashed = Sealing(slot.key, slot.salt, slot.prefix), ContentCheck(file.kind), hashlib.sha256()
    size = 0

    async def sealed() -> AsyncIterator[bytes]:
        nonlocal size
        yield sealing.begin()
        async for chunk in chunks:
            size += len(chunk)
            if size > slot.limit:
                raise TooLarge(slot.limit)
            hashed.update(chunk)
            check.add(chunk)
            yield sealing.add(chunk)
        _check_whole(file, size, hashed.digest())
        check.end()
        yield sealing.end()

    async with aclosing(sealed()) as stream:  # type: ignore[type-var]
        await storage.put(slot.object_key, stream)
    try:
        await _open(storage, slot, file, size)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await storage.in_thread(lambda: storage.delete_now(slot.object_key))
        raise
    return Arrived(slot.key.document_id, slot.object_key, file, size, hashed.digest())


def _check_whole(file: File, size: int, sha256: bytes) -> None:
    if not size:
        raise invalid("", "empty", "The file is empty. Send a file with content.")
    if file.length is not None and size != file.length:
        raise invalid("", "length-mismatch", "The file has another length than its header states. Send it again.")
    if any(digest != sha256 for digest in file.digests):
        raise invalid("", "digest-mismatch", "The file has another digest than its header states. Send it again.")


async def _open(storage: Storage, slot: Slot, file: File, size: int) -> None:
    """Open a file that is judged by its whole content; raises Invalid if it is refused."""
    if file.kind.is_archive:
        await storage.in_thread(lambda: _check_archive(storage, slot, file.kind, size))
    if file.kind is PDF and check_size(size, renders=file.renders):
        pdf = _read_back(storage, slot, size)
        await anyio.to_thread.run_sync(lambda: check_pdf(pdf, renders=file.renders), limiter=storage.pdf_processes)


def _check_archive(storage: Storage, slot: Slot, kind: Kind, size: int) -> None:
    with _plain(storage, slot, size) as file:
        check_archive(kind, file)


def _read_back(storage: Storage, slot: Slot, size: int) -> Iterator[bytes]:
    with _plain(storage, slot, size) as file:
        while piece := file.read(READ_AT_ONCE * SEGMENT):
            yield piece


def _plain(storage: Storage, slot: Slot, size: int) -> io.BufferedReader:
    # Read back through the seal: plain bytes are never written to a disk.
    return reader(slot.key, size, sealed_size(size), lambda start, end: storage.read_now(slot.object_key, start, end))
