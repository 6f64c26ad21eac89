"""`/v1/closures`."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.institution.calendars import service
from app.institution.calendars.schemas import ClosureIn, ClosureList, ClosureOut

router = APIRouter(prefix="/v1/closures", tags=["closures"], route_class=Route)


@router.get("", operation_id="listClosures", responses=problems(401, 422))
async def list_closures(work: Hop, page: Paged) -> ClosureList:
    """List the days on which a place or the institution rests in addition to its calendar."""
    return await work.read(service.list_closures, page)


@router.get("/{closure_id}", operation_id="readClosure", responses=problems(401, 404, 422))
async def read_closure(work: Hop, closure_id: UUID) -> ClosureOut:
    """Read a closure."""
    return await work.read(service.read_closure, closure_id)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="enterClosure", responses=problems(401, 403, 409, 422)
)
async def enter_closure(work: Hop, body: ClosureIn) -> ClosureOut:
    """Enter a closure.

    Registrars may do this. Terms that are running already keep their last day.
    """
    return await work.write(act(service.enter_closure, body), answer=service.read_closure, status=201)
