"""What routes take besides their bodies: the way to the database, the page of a list, headers, and files."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Header, Query

from app.core.files.kinds import UNNAMED_KIND, Kind
from app.core.http.work import Work, upload, work
from app.core.paging import DEFAULT_LIMIT, MOST, Page
from app.core.values import Flag


async def page_of(
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items on one page.")] = DEFAULT_LIMIT,
    after: Annotated[
        str | None, Query(max_length=200, description="The `next` of the page before; the first page if left out.")
    ] = None,
    count: Annotated[Flag, Query(description="Whether to count the whole list, up to 1,000 items.")] = False,
) -> Page:
    """The requested part of a list."""
    return Page(limit, after, count)


Key = Annotated[
    str | None,
    Header(
        description="A key of 1 to 255 visible ASCII characters. A request that is sent again with it has one effect."
    ),
]


async def create_headers(idempotency_key: Key = None) -> None:
    """The header of every act that makes something new; described here and checked by `Work`."""


async def act_headers(
    idempotency_key: Key = None,
    if_match: Annotated[
        str | None,
        Header(description="The ETag of what you read. If it is sent and no longer current, the answer is 412."),
    ] = None,
) -> None:
    """The headers of every other act; described here and checked by `Work`."""


async def change_headers(
    if_match: Annotated[
        str | None,
        Header(description="The ETag of what you change, or `*`. Without it the answer is 428, and 412 if it is old."),
    ] = None,
) -> None:
    """The header of every change; described here and checked by `Work`."""


Hop = Annotated[Work, Depends(work)]
Upload = Annotated[Work, Depends(upload)]
Paged = Annotated[Page, Depends(page_of)]
Create = [Depends(create_headers)]
Act = [Depends(act_headers)]
Change = [Depends(change_headers)]

BINARY = {"schema": {"type": "string", "format": "binary"}}
_NAME = {
    "name": "Content-Disposition",
    "in": "header",
    "required": True,
    "description": "The name of the file, percent-encoded.",
    "schema": {"type": "string"},
}
_DIGEST = {
    "name": "Repr-Digest",
    "in": "header",
    "required": False,
    "description": "The SHA-256 of the file, `sha-256=:BASE64:` (RFC 9530). It is verified before the file is kept. "
    "`Content-Digest` works as well.",
    "schema": {"type": "string"},
}


def contents_of(kinds: Sequence[Kind]) -> dict[str, Any]:
    """The media types of files of these kinds, as the `content` of a response."""
    return {kind.media_type: BINARY for kind in kinds}


def takes_file(kinds: Sequence[Kind], name: str) -> dict[str, Any]:
    """What a route that takes a file of these kinds adds to its operation; `name` is a name that such a file can have.

    Generators of clients know `application/octet-stream` as the type of a file, and often no other.
    """
    named = {**_NAME, "example": f"attachment; filename*=UTF-8''{name}"}
    body = {
        "description": "The bytes of the file. Send its media type, or `application/octet-stream`: then the extension "
        "of its name says what it is.",
        "required": True,
        "content": {UNNAMED_KIND: BINARY, **contents_of(kinds)},
    }
    return {"requestBody": body, "parameters": [named, _DIGEST]}
