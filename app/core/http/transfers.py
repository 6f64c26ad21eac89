"""Files in and out of requests: their digests (RFC 9530), ranges and conditions (RFC 9110), and how they go out."""

import base64
import binascii
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.errors import Unsatisfiable, invalid

_DIGEST = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\s*")
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*")
# Whatever the file says, a browser keeps it and runs nothing of it.
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


def digests_of(request: Request) -> tuple[bytes, ...]:
    """The SHA-256 that a request says its file has, in `Repr-Digest` and `Content-Digest`; Invalid if it says none.

    Other algorithms are passed over.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise invalid("header/Content-Encoding", "content-encoding", "Send the file as it is, without an encoding.")
    return tuple(digest for name in ("Repr-Digest", "Content-Digest") for digest in _digests(request, name))


def _digests(request: Request, name: str) -> list[bytes]:
    found = []
    for line in request.headers.getlist(name):
        for part in line.split(","):
            digest = _DIGEST.fullmatch(part)
            if digest is None:
                raise invalid(f"header/{name}", "digest", "A digest has the form sha-256=:BASE64:")
            if digest[1] == "sha-256":
                found.append(_bytes(digest[2], name))
    return found


def _bytes(text: str, name: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise invalid(f"header/{name}", "digest", "A digest has the form sha-256=:BASE64:") from problem
    if len(digest) != 32:
        raise invalid(f"header/{name}", "digest", "A SHA-256 has 32 bytes.")
    return digest


def length_of(request: Request) -> int | None:
    """The length in bytes that a request says its file has, if it does."""
    given = request.headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bytes that are asked for, from `start` up to `end`, and whether they are a part of the file."""

    start: int
    end: int
    is_part: bool


def tag_of(sha256: bytes) -> str:
    """The strong tag of a file: its digest."""
    return f'"{sha256.hex()}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the caller has the file already, by `If-None-Match`."""
    given = request.headers.get("if-none-match")
    return given is not None and (
        given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))
    )


def wanted(request: Request, size: int, tag: str) -> Wanted:
    """What of a file of `size` bytes is asked for; Unsatisfiable if that lies outside.

    The whole file, where no range is asked for, or several, or one of another file than this (`If-Range`).
    """
    whole = Wanted(0, size, is_part=False)
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or request.headers.get("if-range", tag).strip() != tag:
        return whole
    first, last = found[1], found[2]
    if not first and not last:
        return whole
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return whole
    if start >= size or start >= end:
        raise Unsatisfiable(size)
    return Wanted(start, end, is_part=True)


def not_modified(tag: str) -> Response:
    """The answer to who has the file."""
    return Response(status_code=304, headers={"etag": tag})


def file_response(
    part: Wanted, size: int, tag: str, media_type: str, headers: dict[str, str], chunks: AsyncIterator[bytes]
) -> Response:
    """A file, or a part of it, to be kept and never to be shown."""
    given = {
        "etag": tag,
        "accept-ranges": "bytes",
        "content-length": str(part.end - part.start),
        "content-security-policy": _SANDBOX,
        **headers,
    }
    if part.is_part:
        given["content-range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return StreamingResponse(chunks, 206 if part.is_part else 200, given, media_type)
