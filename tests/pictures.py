"""Pictures of a few pixels, in the forms in which programs and cameras write them."""

import struct
import zlib


def png(*more: bytes) -> bytes:
    """A valid PNG of one pixel; `more` are whole chunks before its data."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(b"\0\x80"))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + data + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg(*more: bytes, scan: bytes = b"\x7f\xff\x00\xff\xd0\x12") -> bytes:
    """A JPEG with the segments of a picture; `more` are whole segments behind its first one."""
    jfif = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    frame = segment(0xC0, b"\x08\0\x01\0\x01\x01\x01\x11\0")
    begins = segment(0xDA, b"\x01\x01\0\0\x3f\0")
    return b"\xff\xd8" + jfif + b"".join(more) + frame + begins + scan + b"\xff\xd9"


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def film(size: int = 8000) -> bytes:
    """An MP4 as telephones append it to a photograph."""
    kind = struct.pack(">I", 24) + b"ftypmp42" + b"\0\0\0\0mp42isom"
    return kind + struct.pack(">I", size + 8) + b"mdat" + b"\x13\x37" * (size // 2)
