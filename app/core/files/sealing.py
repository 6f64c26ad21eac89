"""Files sealed in segments: AES-256-GCM in the STREAM construction, under a key of each file's own.

A sealed file is a header (magic, version, size of a segment, salt, nonce prefix) and the segments, each with its tag.
The file's key is derived (HKDF-SHA256) from the case's data key and the salt. A segment's nonce holds its number and
whether it is the last one, and every segment is bound to the header and to the document's id: what was swapped, cut
off, put in another order, lengthened or taken from another file does not open.
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

SEGMENT = 64 * 1024
TAG = 16
SALT_BYTES, PREFIX_BYTES = 32, 7
_MAGIC, _VERSION = b"ACDS", 1
_HEADER = struct.Struct(f">4sBI{SALT_BYTES}s{PREFIX_BYTES}s")
HEADER = _HEADER.size
# What is read at once from the storage: sixteen segments.
READ_AT_ONCE = 16
Fetch = Callable[[int, int], bytes]


class Altered(Exception):
    """A sealed file is not what was written: a segment does not open, or the length is another."""


@dataclass(frozen=True, slots=True)
class Key:
    """What seals one document: the case's data key, and the document's id, to which the file is bound."""

    data_key: bytes
    document_id: UUID


def sealed_size(size: int) -> int:
    """How many bytes a sealed file has whose plain form has `size` bytes."""
    return HEADER + size + TAG * segments_of(size)


def segments_of(size: int) -> int:
    """How many segments a file of `size` bytes has; an empty one has one."""
    return max(1, -(-size // SEGMENT))


class Sealing:
    """A file being sealed: bytes go in as they come, sealed bytes come out."""

    def __init__(self, key: Key, salt: bytes, prefix: bytes) -> None:
        self._header = _HEADER.pack(_MAGIC, _VERSION, SEGMENT, salt, prefix)
        self._segments = _Segments(key, self._header)
        self._pending = bytearray()
        self._number = 0

    def begin(self) -> bytes:
        """The header, which stands first."""
        return self._header

    def add(self, plain: bytes) -> bytes:
        """The segments that are full now; the last one is kept back until it is known to be the last."""
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
    """The cipher of one file."""

    def __init__(self, key: Key, header: bytes) -> None:
        magic, version, segment, salt, prefix = _HEADER.unpack(header)
        self._prefix: bytes = prefix
        if (magic, version, segment) != (_MAGIC, _VERSION, SEGMENT):
            raise Altered("The header is not one of a sealed document.")
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
    """Some segments in a row: where they lie in the sealed file, and what of their plain bytes is wanted."""

    first: int
    until: int
    start: int
    end: int
    skip: int
    take: int


def pieces(size: int, start: int, end: int, at_once: int = READ_AT_ONCE) -> Iterator[Piece]:
    """The pieces that hold the plain bytes from `start` up to `end`, in order, and nothing that is not needed."""
    first, until = start // SEGMENT, segments_of(end)
    for number in range(first, until, at_once):
        stop = min(number + at_once, until)
        begins, ends = number * SEGMENT, min(stop * SEGMENT, size)
        skip = max(start - begins, 0)
        sealed_end = HEADER + ends + TAG * stop
        yield Piece(number, stop, HEADER + number * (SEGMENT + TAG), sealed_end, skip, min(end, ends) - begins - skip)


class Opening:
    """A sealed file that is read: the segments of any piece of it, once its header is known."""

    def __init__(self, key: Key, size: int, header: bytes, sealed: int) -> None:
        if len(header) != HEADER or sealed != sealed_size(size):
            raise Altered("The sealed file has another length than it was written with.")
        self._segments, self._last = _Segments(key, header), segments_of(size) - 1

    def open(self, piece: Piece, sealed: bytes) -> bytes:
        """The plain bytes of a piece; Altered if one of its segments is not what was written there."""
        if len(sealed) != piece.end - piece.start:
            raise Altered("The sealed file ends too early.")
        step = SEGMENT + TAG
        plain = b"".join(
            self._segments.open(number, sealed[place : place + step], last=number == self._last)
            for place, number in zip(range(0, len(sealed), step), range(piece.first, piece.until), strict=True)
        )
        return plain[piece.skip : piece.skip + piece.take]


class Reader(io.RawIOBase):
    """A sealed file as a file that can be read from any place, of which only the segments touched are opened."""

    def __init__(self, opening: Opening, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._opening, self._size, self._fetch = opening, size, fetch
        self._place = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def tell(self) -> int:
        """The place at which is read next."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what fits, up to the end; Altered if it is not what was written."""
        end = min(self._place + len(buffer), self._size)
        if end <= self._place:
            return 0
        piece = next(pieces(self._size, self._place, end))
        plain = self._opening.open(piece, self._fetch(piece.start, piece.end))
        buffer[: len(plain)] = plain
        self._place += len(plain)
        return len(plain)


def reader(key: Key, size: int, sealed: int, fetch: Fetch) -> io.BufferedReader:
    """A sealed file of `sealed` bytes, whose plain form has `size`, as a file; Altered if that cannot be."""
    opening = Opening(key, size, fetch(0, min(HEADER, sealed)), sealed)
    return io.BufferedReader(Reader(opening, size, fetch), READ_AT_ONCE * SEGMENT)
