"""Where a picture ends, and what follows it: telephones and cameras append films, gain maps and notes of their own."""

import re
from dataclasses import dataclass, field

_KEPT = 4096
# A marker of JPEG: neither a stuffed byte nor a restart nor a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_SCAN, _END_OF_IMAGE, _WITHOUT_LENGTH = 0xDA, 0xD9, (0x01, 0xD8)
_PNG_SIGNATURE = 8
_PADDING = b"\x00\r\n\t "


@dataclass
class PictureEnd:
    """Finds the end of a JPEG or PNG while its bytes arrive, segment by segment, and keeps what follows it.

    A search for the end mark would find that of a thumbnail inside the picture, or of a picture in the trailer.
    """

    is_png: bool
    ended: bool = False
    trailer: bytearray = field(default_factory=bytearray)
    _rest: bytes = b""
    _skip: int = 0
    _is_begun: bool = False

    def add(self, chunk: bytes) -> None:
        """Follow the next bytes; `trailer` has the first 4096 bytes behind the picture and its padding."""
        if not self.ended:
            chunk = self._follow(self._rest + chunk)
        if self.ended and len(self.trailer) < _KEPT:
            self.trailer += (chunk if self.trailer else chunk.lstrip(_PADDING))[: _KEPT - len(self.trailer)]

    def _follow(self, data: bytes) -> bytes:
        """Move through complete segments, and return what follows the picture."""
        position = 0
        if self.is_png and not self._is_begun:
            self._skip, self._is_begun = _PNG_SIGNATURE, True
        while not self.ended:
            step = min(self._skip, len(data) - position)
            position, self._skip = position + step, self._skip - step
            following = None if self._skip else (self._chunk if self.is_png else self._segment)(data, position)
            if following is None:
                break
            position = following
        self._rest = b"" if self.ended else data[position:]
        return data[position:]

    def _chunk(self, data: bytes, position: int) -> int | None:
        if len(data) - position < 8:
            return None
        # A chunk has its length and type before its data, and a checksum of four bytes behind it.
        if data[position + 4 : position + 8] == b"IEND":
            self.ended = len(data) - position >= 12
            return position + 12 if self.ended else None
        self._skip = int.from_bytes(data[position : position + 4], "big") + 4
        return position + 8

    def _segment(self, data: bytes, position: int) -> int | None:
        marker = _MARKER.search(data, position)
        if marker is None:
            return max(position, len(data) - 1) if len(data) - position > 1 else None
        code = data[marker.start() + 1]
        if code == _END_OF_IMAGE:
            self.ended = True
            return marker.end()
        if code in _WITHOUT_LENGTH:
            return marker.end()
        if len(data) - marker.end() < 2:
            return None if marker.start() == position else marker.start()
        self._skip = int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        return marker.end()
