"""What routes take beside their bodies: the way to the database, the page of a list, and the headers of an act."""

from typing import Annotated

from fastapi import Depends, Header, Query

from app.core.http.work import Work, upload, work
from app.core.paging import DEFAULT_LIMIT, MOST, Page


async def page_of(
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many items at most")] = DEFAULT_LIMIT,
    after: Annotated[str | None, Query(max_length=200, description="The cursor in `next` of the page before")] = None,
    count: Annotated[bool, Query(description="Whether to count the whole list, up to 1,000")] = False,
) -> Page:
    """The part of a list that is asked for."""
    return Page(limit, after, count)


Key = Annotated[str | None, Header(description="1 to 255 visible characters: a repeated request has one effect")]


async def create_headers(idempotency_key: Key = None) -> None:
    """The header that everything takes which makes something new; `Work` judges it, here it is shown."""


async def act_headers(
    idempotency_key: Key = None,
    if_match: Annotated[str | None, Header(description="The ETag that the act rests on; enforced when sent")] = None,
) -> None:
    """The headers that every act takes; `Work` judges them, here they are shown."""


async def change_headers(
    if_match: Annotated[str | None, Header(description="The ETag of what is changed; without it 428")] = None,
) -> None:
    """The header that every change takes."""


Hop = Annotated[Work, Depends(work)]
Upload = Annotated[Work, Depends(upload)]
Paged = Annotated[Page, Depends(page_of)]
Create = [Depends(create_headers)]
Act = [Depends(act_headers)]
Change = [Depends(change_headers)]
