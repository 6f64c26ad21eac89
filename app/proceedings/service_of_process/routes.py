"""`…/service` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.service_of_process import service
from app.proceedings.service_of_process.schemas import ServiceIn, ServiceList, ServiceOut

router = APIRouter(prefix="/v1/cases/{case_id}/service", tags=["service"], route_class=Route)


@router.get("", operation_id="listService", responses=problems(401, 404, 422))
async def list_services(work: Hop, case_id: UUID, page: Paged) -> ServiceList:
    """List the attempts to serve the request on each party."""
    return await work.read(service.list_services, case_id, page)


@router.get("/{service_id}", operation_id="readService", responses=problems(401, 404, 422))
async def read_service(work: Hop, case_id: UUID, service_id: UUID) -> ServiceOut:
    """Read an attempt to serve the request."""
    return await work.read(service.read_service, case_id, service_id)


@router.post(
    "",
    status_code=201,
    dependencies=Create,
    operation_id="recordService",
    responses=problems(401, 403, 404, 409, 422),
)
async def record_service(work: Hop, case_id: UUID, body: ServiceIn) -> ServiceOut:
    """Record an attempt to serve the request, or its receipt.

    Registrars may do this. Terms that run from receipt then begin to run.
    """
    return await work.write(act(service.record_service, case_id, body), answer=service.read_service, status=201)
