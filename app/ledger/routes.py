"""`…/events` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.http.openapi import problems
from app.http.parameters import Hop, Paged
from app.http.routing import Route
from app.ledger import reading
from app.ledger.schemas import EventList, EventOut

router = APIRouter(prefix="/v1/cases/{case_id}/events", tags=["events"], route_class=Route)


@router.get("", operation_id="listEvents", responses=problems(401, 404, 422))
async def list_events(work: Hop, case_id: UUID, page: Paged) -> EventList:
    """List what was done in a case, as far as you may know of it, with the chain that proves it."""
    return await work.read(reading.list_events, case_id, page)


@router.get("/{event_id}", operation_id="readEvent", responses=problems(401, 404, 422))
async def read_event(work: Hop, case_id: UUID, event_id: UUID) -> EventOut:
    """Read an event."""
    return await work.read(reading.read_event, case_id, event_id)
