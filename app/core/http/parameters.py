"""The parameters that routes share: the hop to the database, the page of a list, and the headers of an act."""

from typing import Annotated

from fastapi import Depends, Header, Query

from app.core.http.work import Work, upload, work
from app.core.paging import DEFAULT_LIMIT, MOST, Page


async def page_of(
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items of the page")] = DEFAULT_LIMIT,
    after: Annotated[str | None, Query(max_length=200, description="The `next` of the previous page")] = None,
    count: Annotated[bool, Query(description="Whether to count the whole list, up to 1,000 items")] = False,
) -> Page:
    """The requested part of a list."""
    return Page(limit, after, count)


Key = Annotated[
    str | None,
    Header(description="1 to 255 visible characters; a request repeated with its key has one effect"),
]


async def create_headers(idempotency_key: Key = None) -> None:
    """The header of requests that create something; it is declared here, and read by `Work`."""


async def act_headers(
    idempotency_key: Key = None,
    if_match: Annotated[str | None, Header(description="The ETag that the act is based on; enforced if sent")] = None,
) -> None:
    """The headers of acts; they are declared here, and read by `Work`."""


async def change_headers(
    if_match: Annotated[str | None, Header(description="The ETag of the item to change; required")] = None,
) -> None:
    """The header of changes to an item."""


Hop = Annotated[Work, Depends(work)]
Upload = Annotated[Work, Depends(upload)]
Paged = Annotated[Page, Depends(page_of)]
Create = [Depends(create_headers)]
Act = [Depends(act_headers)]
Change = [Depends(change_headers)]
