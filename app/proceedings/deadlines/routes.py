"""`…/deadlines` of a case, `/v1/deadlines` across cases, and acts on `/v1/closures`, which move deadlines."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Act, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Day
from app.institution.calendars.schemas import CalendarCode, ClosureIn, ClosureOut
from app.institution.calendars.service import read_closure
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.deadlines import changes, closures, service
from app.proceedings.deadlines.moved_terms import PlannedClosure
from app.proceedings.deadlines.schemas import (
    CaseDeadlineList,
    ClosureDeadlineList,
    ClosurePreview,
    DeadlineList,
    DeadlineOut,
    ExtendIn,
    ReasonIn,
)

router = APIRouter(prefix="/v1", tags=["deadlines"], route_class=Route)
# Who enters or withdraws a closure moves deadlines, so that these acts are here and not where closures are read.
closures_router = APIRouter(prefix="/v1/closures", tags=["closures"], route_class=Route)


@router.get("/deadlines", operation_id="listAllDeadlines", responses=problems(401, 422))
async def list_all_deadlines(
    work: Hop,
    page: Paged,
    due_before: Annotated[
        Day | None,
        Query(description="Only deadlines due before this day; ended ones only if `state` asks for them."),
    ] = None,
    state: Annotated[str | None, Query(max_length=16, description="Only deadlines in this state.")] = None,
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


ACTS = problems(401, 403, 404, 409, 412, 422)


@router.post(
    "/cases/{case_id}/deadlines/{deadline_id}/extend", dependencies=Act, operation_id="extendDeadline", responses=ACTS
)
async def extend_deadline(work: Hop, case_id: UUID, deadline_id: UUID, body: ExtendIn) -> DeadlineOut:
    """Extend a term, or agree to its extension.

    The rule set says who may extend it, and whether every party must agree.
    """
    return await work.write(
        act(changes.extend, case_id, deadline_id, body),
        answer=service.read_deadline,
        item=(case_id, deadline_id),
        lock=lock_case,
    )


@router.post(
    "/cases/{case_id}/deadlines/{deadline_id}/waive", dependencies=Act, operation_id="waiveDeadline", responses=ACTS
)
async def waive_deadline(work: Hop, case_id: UUID, deadline_id: UUID, body: ReasonIn) -> DeadlineOut:
    """Waive a term.

    The term runs no longer, and nothing follows from its day. The rule set says who may waive it.
    """
    return await work.write(
        act(changes.waive, case_id, deadline_id, body),
        answer=service.read_deadline,
        item=(case_id, deadline_id),
        lock=lock_case,
    )


@router.post(
    "/cases/{case_id}/deadlines/{deadline_id}/suspend",
    dependencies=Act,
    operation_id="suspendDeadline",
    responses=ACTS,
)
async def suspend_deadline(work: Hop, case_id: UUID, deadline_id: UUID, body: ReasonIn) -> DeadlineOut:
    """Suspend a term.

    It keeps the days that are left. The rule set says who may suspend it.
    """
    return await work.write(
        act(changes.suspend, case_id, deadline_id, body),
        answer=service.read_deadline,
        item=(case_id, deadline_id),
        lock=lock_case,
    )


@router.post(
    "/cases/{case_id}/deadlines/{deadline_id}/resume", dependencies=Act, operation_id="resumeDeadline", responses=ACTS
)
async def resume_deadline(work: Hop, case_id: UUID, deadline_id: UUID, body: ActingIn | None = None) -> DeadlineOut:
    """Resume a suspended term for the days that were left."""
    return await work.write(
        act(changes.resume, case_id, deadline_id, body or ActingIn()),
        answer=service.read_deadline,
        item=(case_id, deadline_id),
        lock=lock_case,
    )


@closures_router.post(
    "", status_code=201, dependencies=Create, operation_id="enterClosure", responses=problems(401, 403, 409, 422)
)
async def enter_closure(work: Hop, body: ClosureIn) -> ClosureOut:
    """Enter a closure.

    Registrars may do this. Open terms that roll over its days, or do not count them, move to a later day. Terms that
    were met or have passed keep theirs. `previewClosure` lists beforehand which terms it concerns, and
    `listClosureDeadlines` afterwards.
    """
    return await work.write(act(closures.enter_closure, body), answer=read_closure, status=201)


async def planned_closure(
    from_on: Annotated[Day, Query(description="The first day.")],
    until_on: Annotated[Day, Query(description="The last day.")],
    calendar: Annotated[
        CalendarCode | None,
        Query(description="The place, by the code of its calendar. Without it, the institution rests."),
    ] = None,
) -> PlannedClosure:
    """A closure that somebody may enter."""
    return PlannedClosure(calendar, from_on, until_on)


# In front of the route that would take the word for an id.
@closures_router.get("/preview", operation_id="previewClosure", responses=problems(401, 403, 409, 422))
async def preview_closure(
    work: Hop, page: Paged, planned: Annotated[PlannedClosure, Depends(planned_closure)]
) -> ClosurePreview:
    """List the open deadlines that a closure would move, or whose last day it would contain.

    Registrars may do this. Nothing is changed; `enterClosure` enters the closure.
    """
    return await work.read(closures.preview_closure, planned, page)


@closures_router.post(
    "/{closure_id}/withdraw",
    dependencies=Act,
    operation_id="withdrawClosure",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def withdraw_closure(work: Hop, closure_id: UUID) -> ClosureOut:
    """Withdraw a closure.

    Registrars may do this. Open terms move back to the day on which they would end without it, if that day is after
    today.
    """
    return await work.write(
        act(closures.withdraw_closure, closure_id),
        answer=read_closure,
        item=(closure_id,),
        lock=closures.lock_closure,
    )


@closures_router.get("/{closure_id}/deadlines", operation_id="listClosureDeadlines", responses=problems(401, 404, 422))
async def list_closure_deadlines(work: Hop, closure_id: UUID, page: Paged) -> ClosureDeadlineList:
    """List the deadlines in your cases that a closure has moved, or whose last day it contains."""
    return await work.read(closures.list_closure_deadlines, closure_id, page)
