"""`…/deadlines` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.deadlines import service
from app.deadlines.schemas import DeadlineList, DeadlineOut
from app.http.openapi import problems
from app.http.parameters import Hop, Paged
from app.http.routing import Route

router = APIRouter(prefix="/v1/cases/{case_id}/deadlines", tags=["deadlines"], route_class=Route)


@router.get("", operation_id="listDeadlines", responses=problems(401, 404, 422))
async def list_deadlines(work: Hop, case_id: UUID, page: Paged) -> DeadlineList:
    """List the deadlines of a case, each with its explanation."""
    return await work.read(service.list_deadlines, case_id, page)


@router.get("/{deadline_id}", operation_id="readDeadline", responses=problems(401, 404, 422))
async def read_deadline(work: Hop, case_id: UUID, deadline_id: UUID) -> DeadlineOut:
    """Read a deadline."""
    return await work.read(service.read_deadline, case_id, deadline_id)
