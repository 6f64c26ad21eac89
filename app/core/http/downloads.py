"""Stored files in answers: ranges and conditions (RFC 9110), and the headers of a file."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.errors import Unsatisfiable
from app.core.files.downloads import StoredFile, plain_bytes, repr_digest
from app.core.files.names import disposition
from app.core.http.conditions import matches_weakly, tag_of_file
from app.core.http.methods import is_head
from app.core.http.work import Work

_RANGE = re.compile(r"(?i:bytes)=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*")
# Browsers save the file and run nothing of it, whatever it contains.
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The requested bytes of a file, from `start` up to `end`, and whether they are only a part of it."""

    start: int
    end: int
    is_part: bool


def _is_known(request: Request, tag: str) -> bool:
    """Whether the caller has the file already, by `If-None-Match`."""
    return matches_weakly(request.headers.get("if-none-match"), tag)


def _range_of(request: Request, size: int, tag: str) -> ByteRange:
    """The requested range of a file of `size` bytes; raises Unsatisfiable if it is outside the file.

    It is the whole file if the request has no range, several, or the range of another version (`If-Range`), and for
    HEAD, which knows no ranges.
    """
    whole = ByteRange(0, size, is_part=False)
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or is_head(request) or request.headers.get("if-range", tag).strip() != tag:
        return whole
    first, last = match[1], match[2]
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
    return ByteRange(start, end, is_part=True)


def _not_modified(tag: str) -> Response:
    """The answer to a caller that has the file already."""
    return Response(status_code=304, headers={"etag": tag})


async def _no_bytes() -> AsyncIterator[bytes]:
    """The bytes of a file for HEAD: none, and the storage is not asked for any."""
    for nothing in list[bytes]():
        yield nothing


def _file_response(
    part: ByteRange, size: int, tag: str, media_type: str, headers: dict[str, str], chunks: AsyncIterator[bytes]
) -> Response:
    """A file of `size` bytes, or a part of it, for the caller to save."""
    headers = {
        "etag": tag,
        "accept-ranges": "bytes",
        "content-length": str(part.end - part.start),
        "content-security-policy": _SANDBOX,
        **headers,
    }
    if part.is_part:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return StreamingResponse(chunks, 206 if part.is_part else 200, headers, media_type)


async def hand_out(
    work: Work, file: StoredFile, before_bytes: Callable[[ByteRange], Awaitable[None]] | None = None
) -> Response:
    """A stored file or the requested part of it; 304 if the caller has it already. `before_bytes` may note the read.

    Raises Unsatisfiable for a range outside the file, Missing or Altered if it is not what was written, and
    StorageUnavailable.
    """
    tag = tag_of_file(file.sha256)
    if _is_known(work.request, tag):
        return _not_modified(tag)
    part = _range_of(work.request, file.size, tag)
    if is_head(work.request):
        chunks = _no_bytes()
    else:
        if before_bytes is not None:
            await before_bytes(part)
        chunks = await plain_bytes(work.seams.storage, file, part.start, part.end)
    headers = {"content-disposition": disposition(file.name), "repr-digest": repr_digest(file.sha256)}
    return _file_response(part, file.size, tag, file.media_type, headers, chunks)
