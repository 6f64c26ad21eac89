"""`…/filings` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.cases.locking import lock_case
from app.filings import service
from app.filings.schemas import FilingIn, FilingList, FilingOut
from app.http.openapi import problems
from app.http.parameters import Act, Create, Hop, Paged
from app.http.routing import Route

router = APIRouter(prefix="/v1/cases/{case_id}/filings", tags=["filings"], route_class=Route)


@router.get("", operation_id="listFilings", responses=problems(401, 404, 422))
async def list_filings(work: Hop, case_id: UUID, page: Paged) -> FilingList:
    """List the filings of a case that you may know of."""
    return await work.read(service.list_filings, case_id, page)


@router.get("/{filing_id}", operation_id="readFiling", responses=problems(401, 404, 422))
async def read_filing(work: Hop, case_id: UUID, filing_id: UUID) -> FilingOut:
    """Read a filing."""
    return await work.read(service.read_filing, case_id, filing_id)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="draftFiling", responses=problems(401, 403, 404, 409, 422)
)
async def draft(work: Hop, case_id: UUID, body: FilingIn) -> FilingOut:
    """Draft a filing, which only your own side sees."""
    return await work.write(service.draft, case_id, body, answer=service.read_filing, status=201)


@router.post(
    "/{filing_id}/submit",
    dependencies=Act,
    operation_id="submitFiling",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def submit(work: Hop, case_id: UUID, filing_id: UUID) -> FilingOut:
    """Submit a draft to the audience that it names."""
    return await work.write(
        service.submit,
        case_id,
        filing_id,
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )
