"""`/v1/me/notices` and `/v1/notices`."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.core.http.parameters import Change, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.integration.notices import service
from app.integration.notices.schemas import NoticeList, NoticesChange, NoticesOut, ShownState

router = APIRouter(prefix="/v1", tags=["notices"], route_class=Route)


@router.get("/me/notices", operation_id="readMyNotices", responses=problems(401, 422))
async def read_my_notices(work: Hop) -> NoticesOut:
    """Read which mail you get.

    Mail is sent only if the installation is set up for it.
    """
    return await work.read(service.read_choice)


@router.patch(
    "/me/notices", dependencies=Change, operation_id="changeMyNotices", responses=problems(401, 412, 422, 428)
)
async def change_my_notices(work: Hop, body: NoticesChange) -> NoticesOut:
    """Choose which mail you get, how often and in which language.

    Invitations are always sent.
    """
    return await work.write(act(service.choose, body), answer=service.read_choice, item=(), lock=service.lock_choice)


@router.get("/notices", operation_id="listNotices", responses=problems(401, 403, 422))
async def list_notices(
    work: Hop,
    page: Paged,
    state: Annotated[ShownState | None, Query(description="Only mails in this state.")] = None,
) -> NoticeList:
    """List the mails that did not reach their recipients.

    Administrators and registrars may do this.
    """
    return await work.read(service.list_notices, page, state)
