"""`…/events` of a case, and the feed of all that one may know of."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.ledger import feed
from app.core.ledger.schemas import FeedOut
from app.core.paging import DEFAULT_LIMIT, MOST
from app.core.values import Code
from app.proceedings.events import service as reading
from app.proceedings.events.schemas import EventList, EventOut

router = APIRouter(prefix="/v1/cases/{case_id}/events", tags=["events"], route_class=Route)


@router.get("", operation_id="listEvents", responses=problems(401, 404, 422))
async def list_events(work: Hop, case_id: UUID, page: Paged) -> EventList:
    """List what was done in a case, as far as you may know of it, with the chain that proves it."""
    return await work.read(reading.list_events, case_id, page)


@router.get("/{event_id}", operation_id="readEvent", responses=problems(401, 404, 422))
async def read_event(work: Hop, case_id: UUID, event_id: UUID) -> EventOut:
    """Read an event."""
    return await work.read(reading.read_event, case_id, event_id)


feed_router = APIRouter(prefix="/v1/events", tags=["events"], route_class=Route)

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many events at most")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the answer before")]
Wait = Annotated[int, Query(ge=0, le=30, description="Seconds to wait for the first event if there is none yet")]
Types = Annotated[
    list[Code] | None,
    Query(alias="type", max_length=100, description="Only events of this type; may stand several times"),
]
OfCase = Annotated[UUID | None, Query(alias="case", description="Only events of this case")]
Latest = Annotated[bool, Query(description="Begin where your feed ends now, with the cursor for what is to come")]


async def wanted_events(limit: Limit = DEFAULT_LIMIT, types: Types = None, case: OfCase = None) -> feed.Wanted:
    """Which events of the feed a request asks for."""
    return feed.Wanted(limit, tuple(types or ()), case)


@feed_router.get("", operation_id="readFeed", responses=problems(401, 422))
async def read_feed(
    work: Hop,
    wanted: Annotated[feed.Wanted, Depends(wanted_events)],
    after: After = None,
    wait: Wait = 0,
    latest: Latest = False,
) -> FeedOut:
    """Read what happened in everything that you may know of, in order, from where you stopped.

    Nothing is left out and nothing comes out of order. An event that was before you were admitted is found under its
    case. Keep `next` once you have dealt with the events; after a crash you get them again, with the same ids.
    """
    return await work.follow(0 if latest else wait, feed.read_feed, wanted, after, latest)
