"""`…/events` of a case, and the feed of everything that the reader may know of."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.ledger import feed
from app.core.ledger.schemas import FeedOut
from app.core.paging import DEFAULT_LIMIT, MOST
from app.core.values import Code, Flag
from app.proceedings.events import service as reading
from app.proceedings.events.schemas import EventList, EventOut

router = APIRouter(prefix="/v1/cases/{case_id}/events", tags=["events"], route_class=Route)


@router.get("", operation_id="listEvents", responses=problems(401, 404, 422))
async def list_events(work: Hop, case_id: UUID, page: Paged) -> EventList:
    """List the events of a case that you may know of, with the chain that proves them."""
    return await work.read(reading.list_events, case_id, page)


@router.get("/{event_id}", operation_id="readEvent", responses=problems(401, 404, 422))
async def read_event(work: Hop, case_id: UUID, event_id: UUID) -> EventOut:
    """Read an event."""
    return await work.read(reading.read_event, case_id, event_id)


feed_router = APIRouter(prefix="/v1/events", tags=["events"], route_class=Route)

Limit = Annotated[int, Query(ge=1, le=MOST, description="The most events in one answer.")]
After = Annotated[
    str | None, Query(max_length=200, description="The `next` of the answer before; the beginning if left out.")
]
Wait = Annotated[int, Query(ge=0, le=30, description="For how many seconds to wait for an event if there is none yet.")]
Types = Annotated[
    list[Code] | None,
    Query(alias="type", max_length=100, description="Only events of this type. The parameter may be repeated."),
]
OfCase = Annotated[UUID | None, Query(alias="case", description="Only events of this case.")]
Latest = Annotated[
    Flag,
    Query(
        description="Begin at the present end of your feed: the answer has no events, and the cursor for those to come."
    ),
]


async def wanted_events(limit: Limit = DEFAULT_LIMIT, types: Types = None, case: OfCase = None) -> feed.FeedQuery:
    """Which events of the feed a request asks for."""
    return feed.FeedQuery(limit, tuple(types or ()), case)


@feed_router.get("", operation_id="readFeed", responses=problems(401, 422))
async def read_feed(
    work: Hop,
    wanted: Annotated[feed.FeedQuery, Depends(wanted_events)],
    after: After = None,
    wait: Wait = 0,
    latest: Latest = False,
) -> FeedOut:
    """Read your feed: every event that you may know of, in order, from where you stopped.

    No event is left out, and none comes out of order. Events from before you were admitted to a case are listed under
    the case. Store `next` after you have processed the events: after a crash you get them again, with the same ids.
    """
    return await work.follow(0 if latest else wait, feed.read_feed, wanted, after, latest)
