"""`/v1/closures` as it is read; who enters or withdraws a closure moves deadlines of cases."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.institution.calendars import service
from app.institution.calendars.schemas import ClosureList, ClosureOut

router = APIRouter(prefix="/v1/closures", tags=["closures"], route_class=Route)


@router.get("", operation_id="listClosures", responses=problems(401, 422))
async def list_closures(work: Hop, page: Paged) -> ClosureList:
    """List the days on which a place or the institution rests in addition to its calendar."""
    return await work.read(service.list_closures, page)


@router.get("/{closure_id}", operation_id="readClosure", responses=problems(401, 404, 422))
async def read_closure(work: Hop, closure_id: UUID) -> ClosureOut:
    """Read a closure."""
    return await work.read(service.read_closure, closure_id)
