"""`…/deadlines` of a case, and `/v1/deadlines` across cases."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.deadlines import service
from app.deadlines.schemas import CaseDeadlineList, DeadlineList, DeadlineOut
from app.http.openapi import problems
from app.http.parameters import Hop, Paged
from app.http.routing import Route
from app.values import Day

router = APIRouter(prefix="/v1", tags=["deadlines"], route_class=Route)


@router.get("/deadlines", operation_id="listAllDeadlines", responses=problems(401, 422))
async def list_all_deadlines(
    work: Hop,
    page: Paged,
    due_before: Annotated[Day | None, Query(description="Deadlines due before this day")] = None,
    state: Annotated[
        str | None, Query(max_length=16, description="Deadlines that are running, passed or ended")
    ] = None,
) -> CaseDeadlineList:
    """List the deadlines in all your cases, the earliest first."""
    return await work.read(service.list_all_deadlines, page, due_before=due_before, state=state)


@router.get("/cases/{case_id}/deadlines", operation_id="listDeadlines", responses=problems(401, 404, 422))
async def list_deadlines(work: Hop, case_id: UUID, page: Paged) -> DeadlineList:
    """List the deadlines of a case, each with its explanation."""
    return await work.read(service.list_deadlines, case_id, page)


@router.get("/cases/{case_id}/deadlines/{deadline_id}", operation_id="readDeadline", responses=problems(401, 404, 422))
async def read_deadline(work: Hop, case_id: UUID, deadline_id: UUID) -> DeadlineOut:
    """Read a deadline."""
    return await work.read(service.read_deadline, case_id, deadline_id)
