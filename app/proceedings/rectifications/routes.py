"""`…/rectifications` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.rectifications import service
from app.proceedings.rectifications.schemas import RectificationIn, RectificationList, RectificationOut

router = APIRouter(prefix="/v1/cases/{case_id}/rectifications", tags=["events"], route_class=Route)


@router.get("", operation_id="listRectifications", responses=problems(401, 404, 422))
async def list_rectifications(work: Hop, case_id: UUID, page: Paged) -> RectificationList:
    """List the rectifications of a case."""
    return await work.read(service.list_rectifications, case_id, page)


@router.get("/{rectification_id}", operation_id="readRectification", responses=problems(401, 404, 422))
async def read_rectification(work: Hop, case_id: UUID, rectification_id: UUID) -> RectificationOut:
    """Read a rectification."""
    return await work.read(service.read_rectification, case_id, rectification_id)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="rectify", responses=problems(401, 403, 404, 409, 422)
)
async def rectify(work: Hop, case_id: UUID, body: RectificationIn) -> RectificationOut:
    """Correct a slip of the registry in an event.

    Registrars may do this. The event itself stays as it was written.
    """
    return await work.write(act(service.rectify, case_id, body), answer=service.read_rectification, status=201)
