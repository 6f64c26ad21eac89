"""`/v1/members`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Day, Flag, Words
from app.institution.members import service
from app.institution.members.schemas import (
    Kind,
    MemberChange,
    MemberFilters,
    MemberHistory,
    MemberIn,
    MemberList,
    MemberOut,
    Status,
)

router = APIRouter(prefix="/v1/members", tags=["members"], route_class=Route)


async def filters_of(
    status: Annotated[Status | None, Query(description="Only members of this status.")] = None,
    founding: Annotated[
        Flag | None, Query(description="`true`: founding members only. `false`: the others only.")
    ] = None,
    kind: Annotated[Kind | None, Query(description="Only States, or only organisations.")] = None,
    bound_on: Annotated[
        Day | None, Query(description="Only members for which the convention is in force on this day.")
    ] = None,
    q: Annotated[Words | None, Query(max_length=200, description="Words of the name.")] = None,
) -> MemberFilters:
    """The conditions of a list of members."""
    return MemberFilters(status=status, founding=founding, kind=kind, bound_on=bound_on, q=q)


@router.get("", operation_id="listMembers", responses=problems(401, 422))
async def list_members(work: Hop, page: Paged, filters: Annotated[MemberFilters, Depends(filters_of)]) -> MemberList:
    """List the members of the institution."""
    return await work.read(service.list_members, page, filters)


@router.get("/{member_id}", operation_id="readMember", responses=problems(401, 404, 422))
async def read_member(work: Hop, member_id: UUID) -> MemberOut:
    """Read a member."""
    return await work.read(service.read_member, member_id)


@router.get("/{member_id}/history", operation_id="readMemberHistory", responses=problems(401, 404, 422))
async def read_history(work: Hop, member_id: UUID, page: Paged) -> MemberHistory:
    """Read the history of a member's entry, change by change."""
    return await work.read(service.read_history, member_id, page)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="enterMember", responses=problems(401, 403, 409, 422)
)
async def enter_member(work: Hop, body: MemberIn) -> MemberOut:
    """Enter a member.

    Administrators may do this.
    """
    return await work.write(act(service.enter_member, body), answer=service.read_member, status=201)


@router.patch(
    "/{member_id}",
    dependencies=Change,
    operation_id="changeMember",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def change_member(work: Hop, member_id: UUID, body: MemberChange) -> MemberOut:
    """Change a member's entry.

    Administrators may do this. The history keeps what the entry said before.
    """
    return await work.write(
        act(service.change_member, member_id, body),
        answer=service.read_member,
        item=(member_id,),
        lock=service.lock_member,
    )
