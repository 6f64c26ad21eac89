"""Files sealed in segments: AES-256-GCM in the STREAM construction, with a separate key for each file.

A sealed file is a header (magic, version, size of a segment, salt, nonce prefix) and the segments, each with its tag.
The key of the file is derived (HKDF-SHA256) from the case's data key and the salt. The nonce of a segment holds its
number and whether it is the last one, and each segment is bound to the header and to the document's id: a file that
was cut, reordered, lengthened or mixed with another does not open.
"""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import Altered

SEGMENT = 64 * 1024
TAG = 16
SALT_BYTES, PREFIX_BYTES = 32, 7
_MAGIC, _VERSION = b"ACDS", 1
_HEADER = struct.Struct(f">4sBI{SALT_BYTES}s{PREFIX_BYTES}s")
HEADER = _HEADER.size
# Segments that are read from the storage at once.
READ_AT_ONCE = 16
Fetch = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a sealed document: the case's data key, and the document's id, to which the file is bound."""

    data_key: bytes
    document_id: UUID


def sealed_size(size: int) -> int:
    """The size in bytes of the sealed form of a file of `size` bytes."""
    return HEADER + size + TAG * segments_of(size)


def segments_of(size: int) -> int:
    """The number of segments of a file of `size` bytes; an empty file has one."""
    return max(1, -(-size // SEGMENT))


class Sealing:
    """Seals a file while its bytes arrive."""

    def __init__(self, key: Key, salt: bytes, prefix: bytes) -> None:
        self._header = _HEADER.pack(_MAGIC, _VERSION, SEGMENT, salt, prefix)
        self._segments = _Segments(key, self._header)
        self._pending = bytearray()
        self._number = 0

    def begin(self) -> bytes:
        """The header, which comes first."""
        return self._header

    def add(self, plain: bytes) -> bytes:
        """The segments that are full now; a segment is kept back while it could be the last."""
        self._pending += plain
        sealed = []
        while len(self._pending) > SEGMENT:
            sealed.append(self._seal(bytes(self._pending[:SEGMENT]), last=False))
            del self._pending[:SEGMENT]
        return b"".join(sealed)

    def end(self) -> bytes:
        """The last segment."""
        return self._seal(bytes(self._pending), last=True)

    def _seal(self, plain: bytes, *, last: bool) -> bytes:
        sealed = self._segments.seal(self._number, plain, last=last)
        self._number += 1
        return sealed


class _Segments:
    """The cipher of a file."""

    def __init__(self, key: Key, header: bytes) -> None:
        magic, version, segment, salt, prefix = _HEADER.unpack(header)
        self._prefix: bytes = prefix
        if (magic, version, segment) != (_MAGIC, _VERSION, SEGMENT):
            raise Altered("The header is not that of a sealed document.")
        derived = HKDF(SHA256(), 32, salt, b"accord document segments 1").derive(key.data_key)
        self._cipher, self._bound = AESGCM(derived), header + key.document_id.bytes

    def seal(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, last), plain, self._bound)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(number, last), sealed, self._bound)
        except InvalidTag as problem:
            raise Altered(f"Segment {number} does not open.") from problem

    def _nonce(self, number: int, last: bool) -> bytes:
        return self._prefix + struct.pack(">IB", number, last)


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive segments: their range in the sealed file, and the part of their plain bytes that is needed."""

    first: int
    until: int
    start: int
    end: int
    skip: int
    take: int


def pieces(size: int, start: int, end: int, at_once: int = READ_AT_ONCE) -> Iterator[Piece]:
    """The pieces with the plain bytes from `start` up to `end`, in order, without needless segments."""
    first, until = start // SEGMENT, segments_of(end)
    for number in range(first, until, at_once):
        stop = min(number + at_once, until)
        begins, ends = number * SEGMENT, min(stop * SEGMENT, size)
        skip = max(start - begins, 0)
        sealed_end = HEADER + ends + TAG * stop
        yield Piece(number, stop, HEADER + number * (SEGMENT + TAG), sealed_end, skip, min(end, ends) - begins - skip)


class SealedFile:
    """A sealed file whose header is known; opens any piece of it."""

    def __init__(self, key: Key, size: int, header: bytes, sealed: int) -> None:
        if len(header) != HEADER or sealed != sealed_size(size):
            raise Altered("The sealed file does not have the length that was written.")
        self._segments, self._last = _Segments(key, header), segments_of(size) - 1

    def open(self, piece: Piece, sealed: bytes) -> bytes:
        """The plain bytes of a piece; raises Altered if a segment is not what was written there."""
        if len(sealed) != piece.end - piece.start:
            raise Altered("The sealed file ends too early.")
        step = SEGMENT + TAG
        plain = b"".join(
            self._segments.open(number, sealed[offset : offset + step], last=number == self._last)
            for offset, number in zip(range(0, len(sealed), step), range(piece.first, piece.until), strict=True)
        )
        return plain[piece.skip : piece.skip + piece.take]


class SealedFileIO(io.RawIOBase):
    """A sealed file as a seekable file; it opens only the segments that are read."""

    def __init__(self, sealed: SealedFile, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._sealed, self._size, self._fetch = sealed, size, fetch
        self._position = 0

    def readable(self) -> bool:
        """True: it can be read."""
        return True

    def seekable(self) -> bool:
        """True: it can be read from any position."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read what fits, up to the end; raises Altered if the file is not what was written."""
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        piece = next(pieces(self._size, self._position, end))
        plain = self._sealed.open(piece, self._fetch(piece.start, piece.end))
        buffer[: len(plain)] = plain
        self._position += len(plain)
        return len(plain)


def reader(key: Key, size: int, sealed: int, fetch: Fetch) -> io.BufferedReader:
    """A sealed file of `sealed` bytes, with `size` plain bytes, as a file; raises Altered if the sizes do not match."""
    file = SealedFile(key, size, fetch(0, min(HEADER, sealed)), sealed)
    return io.BufferedReader(SealedFileIO(file, size, fetch), READ_AT_ONCE * SEGMENT)
