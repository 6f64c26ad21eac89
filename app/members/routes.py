"""`/v1/members`."""

from uuid import UUID

from fastapi import APIRouter

from app.http.openapi import problems
from app.http.parameters import Change, Create, Hop, Paged
from app.http.routing import Route
from app.members import service
from app.members.schemas import MemberChange, MemberIn, MemberList, MemberOut

router = APIRouter(prefix="/v1/members", tags=["members"], route_class=Route)


@router.get("", operation_id="listMembers", responses=problems(401, 422))
async def list_members(work: Hop, page: Paged) -> MemberList:
    """List the members of the institution."""
    return await work.read(service.list_members, page)


@router.get("/{member_id}", operation_id="readMember", responses=problems(401, 404, 422))
async def read_member(work: Hop, member_id: UUID) -> MemberOut:
    """Read a member."""
    return await work.read(service.read_member, member_id)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="enterMember", responses=problems(401, 403, 409, 422)
)
async def enter_member(work: Hop, body: MemberIn) -> MemberOut:
    """Enter a member, for an administrator."""
    return await work.write(service.enter_member, body, answer=service.read_member, status=201)


@router.patch(
    "/{member_id}",
    dependencies=Change,
    operation_id="changeMember",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def change_member(work: Hop, member_id: UUID, body: MemberChange) -> MemberOut:
    """Change a member's entry, for an administrator."""
    return await work.write(
        service.change_member,
        member_id,
        body,
        answer=service.read_member,
        item=(member_id,),
        lock=service.lock_member,
    )
