"""`…/filings` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Act, Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents.schemas import WithdrawalIn
from app.proceedings.filings import docket, drafts, joinders, service, withdrawal
from app.proceedings.filings.schemas import AcceptanceIn, FilingAmendment, FilingIn, FilingList, FilingOut, ReturnIn

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
    """Draft a filing.

    You alone see it until you share it with your side, or submit it. If you name parties in `joint_with`, you and they
    see it at once.
    """
    return await work.write(act(service.draft, case_id, body), answer=service.read_filing, status=201)


CHANGES = problems(401, 403, 404, 409, 412, 422, 428)
DECIDES = problems(401, 403, 404, 409, 412, 422)


@router.patch("/{filing_id}", dependencies=Change, operation_id="amendFiling", responses=CHANGES)
async def amend(work: Hop, case_id: UUID, filing_id: UUID, body: FilingAmendment) -> FilingOut:
    """Change the draft of a filing.

    The side that drafted it may do this. Parties that had joined it join again.
    """
    return await work.write(
        act(drafts.amend, case_id, filing_id, body),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.delete(
    "/{filing_id}",
    status_code=204,
    response_model=None,
    dependencies=Change,
    operation_id="discardFiling",
    responses=CHANGES | {204: {"description": "The draft was discarded."}},
)
async def discard(work: Hop, case_id: UUID, filing_id: UUID) -> FilingOut:
    """Discard the draft of a filing, with its documents.

    The side that drafted it may do this.
    """
    return await work.write(
        act(drafts.discard, case_id, filing_id),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/share", dependencies=Act, operation_id="shareFiling", responses=DECIDES)
async def share(work: Hop, case_id: UUID, filing_id: UUID, body: ActingIn | None = None) -> FilingOut:
    """Share your draft of a filing with your side.

    Everybody who acts for the party now reads it from then on, with its documents, and may change, discard or submit
    it. This cannot be undone.
    """
    return await work.write(
        act(drafts.share, case_id, filing_id, body or ActingIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post(
    "/{filing_id}/submit",
    dependencies=Act,
    operation_id="submitFiling",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def submit(work: Hop, case_id: UUID, filing_id: UUID, body: ActingIn | None = None) -> FilingOut:
    """Submit a filing to the audience that it names."""
    return await work.write(
        act(service.submit, case_id, filing_id, body or ActingIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/join", dependencies=Act, operation_id="joinFiling", responses=DECIDES)
async def join(work: Hop, case_id: UUID, filing_id: UUID, body: ActingIn | None = None) -> FilingOut:
    """Join a filing that another party wants to file together with yours."""
    return await work.write(
        act(joinders.join, case_id, filing_id, body or ActingIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/withdraw-joinder", dependencies=Act, operation_id="withdrawJoinder", responses=DECIDES)
async def withdraw_joinder(work: Hop, case_id: UUID, filing_id: UUID, body: ActingIn | None = None) -> FilingOut:
    """Withdraw your party from a joint filing that is still a draft."""
    return await work.write(
        act(joinders.withdraw_joinder, case_id, filing_id, body or ActingIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/withdraw", dependencies=Act, operation_id="withdrawFiling", responses=DECIDES)
async def withdraw(work: Hop, case_id: UUID, filing_id: UUID, body: WithdrawalIn | None = None) -> FilingOut:
    """Withdraw a filing that was made by mistake.

    The side that filed it may do this. From then on only that side reads its title, text, documents and receipt; the
    others still see that it was filed, when and under which number.
    """
    return await work.write(
        act(withdrawal.withdraw, case_id, filing_id, body or WithdrawalIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/acceptance", dependencies=Act, operation_id="acceptFiling", responses=DECIDES)
async def accept(work: Hop, case_id: UUID, filing_id: UUID, body: AcceptanceIn | None = None) -> FilingOut:
    """Accept a filing to the docket.

    Registrars may do this.
    """
    return await work.write(
        act(docket.accept, case_id, filing_id, body or AcceptanceIn()),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )


@router.post("/{filing_id}/return", dependencies=Act, operation_id="returnFiling", responses=DECIDES)
async def return_(work: Hop, case_id: UUID, filing_id: UUID, body: ReturnIn) -> FilingOut:
    """Return a filing to its side, with reasons.

    Registrars may do this. The side corrects it and files it again (`resubmits_id`).
    """
    return await work.write(
        act(docket.return_, case_id, filing_id, body),
        answer=service.read_filing,
        item=(case_id, filing_id),
        lock=lock_case,
    )
