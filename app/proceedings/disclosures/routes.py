"""`…/disclosures` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Act, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.disclosures import service
from app.proceedings.disclosures.schemas import DisclosureIn, DisclosureList, DisclosureOut

router = APIRouter(prefix="/v1/cases/{case_id}/disclosures", tags=["disclosures"], route_class=Route)


@router.get("", operation_id="listDisclosures", responses=problems(401, 404, 422))
async def list_disclosures(work: Hop, case_id: UUID, page: Paged) -> DisclosureList:
    """List the disclosures of a case, opened or proposed."""
    return await work.read(service.list_disclosures, case_id, page)


@router.get("/{disclosure_id}", operation_id="readDisclosure", responses=problems(401, 404, 422))
async def read_disclosure(work: Hop, case_id: UUID, disclosure_id: UUID) -> DisclosureOut:
    """Read a disclosure."""
    return await work.read(service.read_disclosure, case_id, disclosure_id)


@router.post(
    "",
    status_code=201,
    dependencies=Create,
    operation_id="proposeDisclosure",
    responses=problems(401, 403, 404, 409, 422),
)
async def propose(work: Hop, case_id: UUID, body: DisclosureIn) -> DisclosureOut:
    """Propose to open an earlier stream of events to those who came later.

    An agent of a party whom the stream protects may do this.
    """
    return await work.write(act(service.propose, case_id, body), answer=service.read_disclosure, status=201)


@router.post(
    "/{disclosure_id}/agree",
    dependencies=Act,
    operation_id="agreeToDisclosure",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def agree(work: Hop, case_id: UUID, disclosure_id: UUID, body: ActingIn | None = None) -> DisclosureOut:
    """Agree to a disclosure for your party.

    The stream is opened once every party whom it protects has agreed.
    """
    return await work.write(
        act(service.agree, case_id, disclosure_id, body or ActingIn()),
        answer=service.read_disclosure,
        item=(case_id, disclosure_id),
        lock=lock_case,
    )
