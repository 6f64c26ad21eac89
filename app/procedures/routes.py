"""`/v1/procedures`."""

from fastapi import APIRouter

from app.http.openapi import problems
from app.http.parameters import Hop
from app.http.routing import Route
from app.procedures import service
from app.procedures.schemas import ProcedureList, ProcedureOut

router = APIRouter(prefix="/v1/procedures", tags=["procedures"], route_class=Route)


@router.get("", operation_id="listProcedures", responses=problems(401, 422))
async def list_procedures(work: Hop) -> ProcedureList:
    """List the rule sets."""
    return await work.read(service.list_procedures)


@router.get("/{procedure_id}", operation_id="readProcedure", responses=problems(401, 404, 422))
async def read_procedure(work: Hop, procedure_id: str) -> ProcedureOut:
    """Read a rule set: its stages, steps and terms, each with its article and how well that is established."""
    return await work.read(service.read_procedure, procedure_id)
