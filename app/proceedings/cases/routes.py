"""`/v1/cases`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Day, IdOrMe, Instant, Words
from app.proceedings.cases import amendments, discarding, queries, request_versions, requests
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.request_version_schemas import RequestVersionList, RequestVersionOut
from app.proceedings.cases.schemas import (
    CaseAmendment,
    CaseFilters,
    CaseIn,
    CaseList,
    CaseOut,
)

router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=Route)


@router.post("", status_code=201, dependencies=Create, operation_id="openCase", responses=problems(401, 403, 409, 422))
async def open_case(work: Hop, body: CaseIn) -> CaseOut:
    """Open a case as a draft of your side.

    You become the agent of the first party. Only your side sees the case until the step `lodge` is taken.
    """
    return await work.write(act(requests.open_case, body), answer=queries.read_case, status=201)


def _word(description: str) -> Any:
    return Query(max_length=64, description=description)


async def filters_of(
    phase: Annotated[str | None, _word("Only cases in this phase.")] = None,
    stage: Annotated[str | None, _word("Only cases at this stage of their rule set.")] = None,
    procedure: Annotated[str | None, _word("Only cases under this rule set.")] = None,
    category: Annotated[str | None, _word("Only cases of this category.")] = None,
    party: Annotated[
        UUID | None, Query(description="Only cases of this party, or of this member of the institution.")
    ] = None,
    mediator: Annotated[
        IdOrMe | None,
        Query(description="Only cases of this mediator, by the id of the person or of the roster entry, or `me`."),
    ] = None,
    waiting_for: Annotated[str | None, _word("Only cases that wait for this capacity, or for `me`.")] = None,
    due_before: Annotated[Day | None, Query(description="Only cases with something due before this day.")] = None,
    updated_since: Annotated[
        Instant | None, Query(description="Only cases in which something happened at this instant or later.")
    ] = None,
    q: Annotated[
        Words | None, Query(max_length=200, description="Words of the title, of a party's name or of the reference.")
    ] = None,
) -> CaseFilters:
    """The conditions of a list of cases."""
    return CaseFilters(
        phase=phase,
        stage=stage,
        procedure=procedure,
        category=category,
        party=party,
        mediator=mediator,
        waiting_for=waiting_for,
        due_before=due_before,
        updated_since=updated_since,
        q=q,
    )


@router.get("", operation_id="listCases", responses=problems(401, 422))
async def list_cases(work: Hop, page: Paged, filters: Annotated[CaseFilters, Depends(filters_of)]) -> CaseList:
    """List the cases that you may see, the newest first."""
    return await work.read(queries.list_cases, page, filters)


@router.get("/{case_id}", operation_id="readCase", responses=problems(401, 404, 422))
async def read_case(work: Hop, case_id: UUID) -> CaseOut:
    """Read a case."""
    return await work.read(queries.read_case, case_id)


@router.patch(
    "/{case_id}",
    dependencies=Change,
    operation_id="amendCase",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def amend_case(work: Hop, case_id: UUID, body: CaseAmendment) -> CaseOut:
    """Change a request, as far as its stage allows.

    The requesting side may do this; the stage's `amendable` says what it may change. Registrars may correct the title,
    the languages and the seat, and the names of parties at their own address.
    """
    return await work.write(
        act(amendments.amend_case, case_id, body), answer=queries.read_case, item=(case_id,), lock=lock_case
    )


@router.delete(
    "/{case_id}",
    status_code=204,
    response_model=None,
    dependencies=Change,
    operation_id="discardCase",
    responses=problems(401, 403, 404, 409, 412, 422, 428) | {204: {"description": "The draft was discarded."}},
)
async def discard_case(work: Hop, case_id: UUID) -> CaseOut:
    """Discard a request that is not lodged.

    The requesting side may do this. What was written in it cannot be read again.
    """
    return await work.write(
        act(discarding.discard_case, case_id), answer=queries.read_case, item=(case_id,), lock=lock_case
    )


@router.get("/{case_id}/request-versions", operation_id="listRequestVersions", responses=problems(401, 404, 422))
async def list_request_versions(work: Hop, case_id: UUID, page: Paged) -> RequestVersionList:
    """List the versions of the request that you may read, with the hash of each.

    The requesting side and the registry read every version. Everybody else reads the one that was served, and those
    after it.
    """
    return await work.read(request_versions.list_versions, case_id, page)


@router.get(
    "/{case_id}/request-versions/{version_id}", operation_id="readRequestVersion", responses=problems(401, 404, 422)
)
async def read_request_version(work: Hop, case_id: UUID, version_id: UUID) -> RequestVersionOut:
    """Read a version of the request."""
    return await work.read(request_versions.read_version, case_id, version_id)
