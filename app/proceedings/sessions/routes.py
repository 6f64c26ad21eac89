"""`…/sessions` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Act, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.cases.lock import lock_case
from app.proceedings.sessions import service
from app.proceedings.sessions.schemas import HoldIn, PutOffIn, SessionIn, SessionList, SessionOut

router = APIRouter(prefix="/v1/cases/{case_id}/sessions", tags=["sessions"], route_class=Route)
ACTS = problems(401, 403, 404, 409, 412, 422)


@router.get("", operation_id="listSessions", responses=problems(401, 404, 422))
async def list_sessions(work: Hop, case_id: UUID, page: Paged) -> SessionList:
    """List the sessions of a case that you may know of."""
    return await work.read(service.list_sessions, case_id, page)


@router.get("/{session_id}", operation_id="readSession", responses=problems(401, 404, 422))
async def read_session(work: Hop, case_id: UUID, session_id: UUID) -> SessionOut:
    """Read a session."""
    return await work.read(service.read_session, case_id, session_id)


@router.post(
    "",
    status_code=201,
    dependencies=Create,
    operation_id="scheduleSession",
    responses=problems(401, 403, 404, 409, 422),
)
async def schedule(work: Hop, case_id: UUID, body: SessionIn) -> SessionOut:
    """Schedule a joint session, or a caucus with one side.

    The mediator may do this, and registrars may schedule joint sessions.
    """
    return await work.write(act(service.schedule, case_id, body), answer=service.read_session, status=201)


@router.post(
    "/{session_id}/hold",
    dependencies=Act,
    operation_id="holdSession",
    responses=ACTS,
)
async def hold(work: Hop, case_id: UUID, session_id: UUID, body: HoldIn) -> SessionOut:
    """Record that a session was held, and who attended.

    The mediator may do this.
    """
    return await work.write(
        act(service.hold, case_id, session_id, body),
        answer=service.read_session,
        item=(case_id, session_id),
        lock=lock_case,
    )


@router.post("/{session_id}/adjourn", dependencies=Act, operation_id="adjournSession", responses=ACTS)
async def adjourn(work: Hop, case_id: UUID, session_id: UUID, body: PutOffIn) -> SessionOut:
    """Adjourn a session to another time."""
    return await work.write(
        act(service.adjourn, case_id, session_id, body),
        answer=service.read_session,
        item=(case_id, session_id),
        lock=lock_case,
    )


@router.post("/{session_id}/cancel", dependencies=Act, operation_id="cancelSession", responses=ACTS)
async def cancel(work: Hop, case_id: UUID, session_id: UUID, body: PutOffIn) -> SessionOut:
    """Cancel a session that will not take place."""
    return await work.write(
        act(service.cancel, case_id, session_id, body),
        answer=service.read_session,
        item=(case_id, session_id),
        lock=lock_case,
    )
