"""Files that come in as the body of a request: what is said of one, its bytes, and its row or else nothing."""

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar, cast

from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import Problem, Unavailable
from app.core.files.kinds import Kind, kind_of
from app.core.files.names import name_of
from app.core.files.sealing import PREFIX_BYTES, SALT_BYTES, Key
from app.core.files.transfers import Arrived, File, receive
from app.core.http.transfers import digests_of, length_of
from app.core.http.work import Work

Entered = TypeVar("Entered")


class Ticket(Protocol):
    """The leave to bring a file: the key that seals it, and the name under which it will lie."""

    @property
    def key(self) -> Key:
        """The data key."""

    @property
    def object_key(self) -> str:
        """The name in the storage."""


def file_of(request: Request, kinds: Sequence[Kind]) -> File:
    """What a request says of its file; Invalid or UnsupportedMediaType if such a file is not taken."""
    name = name_of(request.headers.get("content-disposition"))
    kind = kind_of(name, request.headers.get("content-type", ""), kinds)
    return File(name, kind, digests_of(request), length_of(request))


async def arrived_of(work: Work, ticket: Ticket, file: File, limit: int) -> Arrived:
    """Take the bytes of a file, of `limit` bytes at most, into the storage; no database connection is held."""
    chance = (work.entropy(SALT_BYTES), work.entropy(PREFIX_BYTES))
    stream = work.request.stream()
    arrived = await receive(work.seams.storage, ticket.key, ticket.object_key, file, limit, chance, stream)
    # What makes two uploads the same, for their key: the file, and what is said of it.
    work.body = arrived.sha256 + file.name.encode()
    return arrived


async def entered(work: Work, arrived: Arrived, entering: Awaitable[Entered]) -> Entered:
    """Enter what has arrived; its bytes are taken away again if they are refused, or were there before."""
    try:
        answer = await entering
    except Unavailable:
        # Whether it was entered is not known: the sweeper will see.
        raise
    except Problem:
        await _take_away(work, arrived)
        raise
    body = cast(Response, answer).body
    if body and str(arrived.id).encode() not in body:
        await _take_away(work, arrived)
    return answer


async def _take_away(work: Work, arrived: Arrived) -> None:
    storage = work.seams.storage
    await storage.in_thread(lambda: storage.delete_now(arrived.object_key))
