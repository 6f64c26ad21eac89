"""`/v1/procedures`."""

from fastapi import APIRouter, Response

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import SVG, problems
from app.core.http.routing import Route
from app.core.values import Picture
from app.institution.procedures import service
from app.institution.procedures.schemas import ProcedureList, ProcedureOut, SubjectList
from app.institution.procedures.simulation_schemas import SimulationIn, SimulationOut
from app.institution.procedures.simulations import simulate_procedure

router = APIRouter(prefix="/v1/procedures", tags=["procedures"], route_class=Route)
vocabulary = APIRouter(prefix="/v1/subjects", tags=["procedures"], route_class=Route)


@vocabulary.get("", operation_id="listSubjects", responses=problems(401, 422))
async def list_subjects(work: Hop, page: Paged) -> SubjectList:
    """List the subjects that disputes can have.

    The institution's own subjects come last.
    """
    return await work.read(service.list_subjects, page)


@router.get("", operation_id="listProcedures", responses=problems(401, 422))
async def list_procedures(work: Hop, page: Paged) -> ProcedureList:
    """List the rule sets."""
    return await work.read(service.list_procedures, page)


@router.get("/{procedure_id}", operation_id="readProcedure", responses=problems(401, 404, 422))
async def read_procedure(work: Hop, procedure_id: str) -> ProcedureOut:
    """Read a rule set.

    Each of its steps, terms, checks and grounds names its article, and how well that is established.
    """
    return await work.read(service.read_procedure, procedure_id)


@router.get(
    "/{procedure_id}/diagram.svg",
    operation_id="drawProcedure",
    response_model=None,
    response_class=Response,
    responses=SVG | problems(401, 404, 422),
)
async def draw_procedure(work: Hop, procedure_id: str) -> Picture:
    """Draw a rule set as an SVG.

    The drawing shows the stages by phase, and the steps with their articles and with the capacities that take them.
    """
    return await work.read(service.draw_procedure, procedure_id)


@router.post("/{procedure_id}/simulations", operation_id="simulateProcedure", responses=problems(401, 404, 422))
async def simulate(work: Hop, procedure_id: str, body: SimulationIn) -> SimulationOut:
    """Simulate a case under a rule set.

    From assumed parties and acts it makes the whole timeline, with deadlines and refusals. Nothing is stored.
    """
    return await work.read(simulate_procedure, procedure_id, body)
