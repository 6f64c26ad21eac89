"""`/v1/me/desk`."""

from fastapi import APIRouter

from app.core.http.parameters import Create, Hop
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.desk import service
from app.proceedings.desk.schemas import DeskOut

router = APIRouter(prefix="/v1/me/desk", tags=["desk"], route_class=Route)


@router.get("", operation_id="readDesk", responses=problems(401, 422))
async def read_desk(work: Hop) -> DeskOut:
    """Read what waits for you, what is due, and what is new since you last looked."""
    return await work.read(service.read_desk)


@router.post("/looked", dependencies=Create, operation_id="clearDesk", responses=problems(401, 409, 422))
async def clear_desk(work: Hop) -> DeskOut:
    """Mark the news on your desk as seen."""
    return await work.write(act(service.look), answer=service.read_desk)
