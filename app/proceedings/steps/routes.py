"""`/v1/cases/{case}/steps`, the timeline and the diagram of a case."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.core.http.parameters import Act, Hop, Paged
from app.core.http.problems import SVG, problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Picture
from app.proceedings.cases import queries
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import CaseOut
from app.proceedings.steps import open_steps, service, timeline
from app.proceedings.steps.schemas import StepIn, StepList

router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=Route)


@router.get("/{case_id}/timeline", operation_id="readTimeline", responses=problems(401, 404, 422))
async def read_timeline(work: Hop, case_id: UUID, page: Paged) -> timeline.Timeline:
    """Read what was done in a case and what is due in it, in one list."""
    return await work.read(timeline.read_timeline, case_id, page)


@router.get(
    "/{case_id}/diagram.svg",
    operation_id="drawCase",
    response_model=None,
    response_class=Response,
    responses=SVG | problems(401, 404, 422),
)
async def draw_case(work: Hop, case_id: UUID) -> Picture:
    """Draw a case's procedure as an SVG, with its present stage and the way it took."""
    return await work.read(timeline.draw_case, case_id)


@router.get("/{case_id}/steps", operation_id="listSteps", responses=problems(401, 404, 422))
async def list_steps(work: Hop, case_id: UUID, page: Paged) -> StepList:
    """List every step of a case's procedure, each with whether you can take it or why not."""
    return await work.read(open_steps.list_steps, case_id, page)


@router.post(
    "/{case_id}/steps/{step}",
    dependencies=Act,
    operation_id="takeStep",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def take_step(work: Hop, case_id: UUID, step: str, body: StepIn | None = None) -> CaseOut:
    """Take a step of a case's procedure.

    The rule set says which steps there are and what each needs; `listSteps` says which are open to you. Steps with
    `taken_through` are taken by the acts of that path instead.
    """
    return await work.write(
        act(service.take_step, case_id, step, body or StepIn()),
        answer=queries.read_case,
        item=(case_id,),
        lock=lock_case,
    )
