"""Files in requests: the headers of a file with their digests (RFC 9530), and its way into the storage and a row."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar, TypeVarTuple, cast
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import KeyInProgress, Problem, Unavailable, UnsupportedMediaType, invalid
from app.core.files.kinds import Kind, kind_of
from app.core.files.names import name_of
from app.core.files.sealing import PREFIX_BYTES, SALT_BYTES, Key
from app.core.files.uploads import Arrived, File, Slot, receive
from app.core.http.middleware import ACTOR
from app.core.http.work import Work

_DIGEST = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\s*")
_DIGEST_FORM = "Write a digest as sha-256=:BASE64:"
Answer = TypeVar("Answer")
Result = TypeVar("Result", bound=BaseModel)
Ids = TypeVarTuple("Ids")


class UploadPermit(Protocol):
    """The permission to upload a file: the key that seals it, and its name in the storage."""

    @property
    def key(self) -> Key:
        """The key that seals the file."""

    @property
    def object_key(self) -> str:
        """The name in the storage."""


def file_of(request: Request, kinds: Sequence[Kind]) -> File:
    """What the headers of a request state of its file.

    Raises Invalid for a name, digest or encoding that is not allowed, and UnsupportedMediaType for other kinds.
    """
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        # A form names its file inside: the missing header would be the second fault and not the cause.
        raise UnsupportedMediaType("Send the bytes of the file as the body, and not a form (multipart/form-data).")
    name = name_of(request.headers.get("content-disposition"))
    kind = kind_of(name, request.headers.get("content-type", ""), kinds)
    return File(name, kind, _digests_of(request), _length_of(request))


def _digests_of(request: Request) -> tuple[bytes, ...]:
    """The SHA-256 digests in `Repr-Digest` and `Content-Digest`; other algorithms are ignored."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise invalid("header/Content-Encoding", "content-encoding", "Send the file without a content encoding.")
    return tuple(digest for name in ("Repr-Digest", "Content-Digest") for digest in _digests_in(request, name))


def _digests_in(request: Request, name: str) -> list[bytes]:
    digests = []
    for line in request.headers.getlist(name):
        for part in line.split(","):
            digest = _DIGEST.fullmatch(part)
            if digest is None:
                raise invalid(f"header/{name}", "digest", _DIGEST_FORM)
            if digest[1] == "sha-256":
                digests.append(_decoded(digest[2], name))
    return digests


def _decoded(text: str, name: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise invalid(f"header/{name}", "digest", _DIGEST_FORM) from problem
    if len(digest) != 32:
        raise invalid(f"header/{name}", "digest", "Give a SHA-256 of 32 bytes.")
    return digest


def _length_of(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None


async def receive_file(work: Work, permit: UploadPermit, file: File, limit: int) -> Arrived:
    """Receive a file of at most `limit` bytes into the storage; no database connection is held meanwhile.

    Raises TooManyRequests, before the file is read, if its sender has sent too many writes.
    """
    work.limits.check_write(work.request.scope[ACTOR].id)
    slot = Slot(permit.key, permit.object_key, work.entropy(SALT_BYTES), work.entropy(PREFIX_BYTES), limit)
    arrived = await receive(work.seams.storage, slot, file, work.request.stream())
    # Under an idempotency key, two uploads are the same if their bytes and names are.
    work.body = arrived.sha256 + file.name.encode()
    return arrived


@dataclass(frozen=True, slots=True)
class _OfARepetition:
    """A permit to receive a file again, only to compare it with that of the first request; it is then deleted."""

    key: Key
    object_key: str


async def replayed(
    work: Work, file: File, limit: int, answer: Callable[[GatedSession, Actor, datetime, *Ids], Result]
) -> Result | None:
    """Answer an upload again that succeeded under the same idempotency key; None if there was none.

    This comes before the permission to upload: the filing may be submitted since, or full. Raises KeyReused if the
    request or its file is another one.
    """
    if not await work.is_repeated():
        return None
    id = UUID(bytes=work.entropy(16), version=4)
    permit = _OfARepetition(Key(work.entropy(32), id), f"{id.hex[:2]}/{id.hex}")
    arrived = await receive_file(work, permit, file, limit)

    def first(db: GatedSession, actor: Actor, now: datetime) -> tuple[*Ids]:
        # The key was forgotten between the two looks at it.
        raise KeyInProgress

    return await keep_or_delete(work, arrived, work.write(first, answer=answer))


async def keep_or_delete(work: Work, arrived: Arrived, entering: Awaitable[Answer]) -> Answer:
    """Answer with the row of a file; its bytes are deleted if the row was refused or existed before."""
    try:
        answer = await entering
    except Unavailable:
        # The row may have been written or not. The sweeper deletes bytes that no row names.
        raise
    except Problem:
        await _delete(work, arrived)
        raise
    body = cast(Response, answer).body
    if body and str(arrived.id).encode() not in body:
        await _delete(work, arrived)
    return answer


async def _delete(work: Work, arrived: Arrived) -> None:
    storage = work.seams.storage
    await storage.in_thread(lambda: storage.delete_now(arrived.object_key))
