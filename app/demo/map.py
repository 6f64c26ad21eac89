"""The map of the story: a small PNG that the demo draws itself, in full and with the power station blacked out."""

import math
import struct
import zlib

Colour = tuple[int, int, int]
WIDTH, HEIGHT = 240, 160
_LAND, _WATER, _GAUGE, _BORDER, _BLACK = (236, 228, 202), (92, 142, 190), (190, 40, 40), (90, 90, 90), (0, 0, 0)
_STATION = (70, 40)
_GAUGES = ((40, 66), (118, 82), (206, 100))


def file_of(name: str) -> bytes:
    """The bytes of a file of the story, by its name; KeyError for an unknown one."""
    return draw(redacted={"gauges-of-the-orun.png": False, "gauges-of-the-orun-redacted.png": True}[name])


def draw(*, redacted: bool) -> bytes:
    """A PNG: the river with its gauges, the border, and the power station at Kesh, or a black box in its place."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(WIDTH) for part in _colour(x, y, redacted)) for y in range(HEIGHT)
    )
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _colour(x: int, y: int, redacted: bool) -> Colour:
    left, top = _STATION
    if redacted and left - 16 <= x <= left + 16 and top - 12 <= y <= top + 12:
        return _BLACK
    if any(abs(x - gauge_x) <= 3 and abs(y - gauge_y) <= 3 for gauge_x, gauge_y in _GAUGES):
        return _GAUGE
    if abs(x - left) + abs(y - top) <= 8:
        return _BLACK
    if abs(y - _river(x)) <= 4:
        return _WATER
    return _BORDER if abs(x - 150) <= 1 and y % 12 < 8 else _LAND


def _river(x: int) -> float:
    return 58 + x * 0.2 + 9 * math.sin(x / 24)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
