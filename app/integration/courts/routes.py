"""`/v1/courts`, `/v1/referrals`, and `…/referral` of a case."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.errors import Unavailable, invalid
from app.core.files.kinds import TEXTS
from app.core.files.uploads import Arrived
from app.core.http.downloads import hand_out
from app.core.http.parameters import Act, Change, Create, Hop, Paged, Upload, contents_of, takes_file
from app.core.http.problems import problems
from app.core.http.routing import Route, UploadRoute
from app.core.http.uploads import file_of, keep_or_delete, receive_file, replayed
from app.core.http.work import Work, act
from app.core.values import Instant, Line
from app.integration.courts import (
    case_progress,
    named_representatives,
    order_files,
    referral_views,
    registry_decisions,
    service,
)
from app.integration.courts import court_acts as acts
from app.integration.courts.referral_schemas import (
    STATES,
    AskIn,
    NamedRepresentativeIn,
    ReferralAcceptance,
    ReferralAmendment,
    ReferralIn,
    ReferralInCase,
    ReferralList,
    ReferralOut,
    RefusalIn,
    ReturnDateIn,
)
from app.integration.courts.schemas import CourtChange, CourtIn, CourtList, CourtOut
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents.virus_scan import Quarantined, scan
from app.proceedings.filings.schemas import FilingList

router = APIRouter(prefix="/v1/courts", tags=["courts"], route_class=Route)
referrals = APIRouter(prefix="/v1/referrals", tags=["referrals"], route_class=Route)
uploads = APIRouter(prefix="/v1/referrals", tags=["referrals"], route_class=UploadRoute)
in_case = APIRouter(prefix="/v1/cases/{case_id}/referral", tags=["referrals"], route_class=Route)
ACTS = problems(401, 403, 404, 409, 412, 422)
# An order of a court is some pages.
MOST_OF_ORDER = 64 * 1024 * 1024
State = Annotated[STATES | None, Query(description="Only referrals in this state.")]
ExternalId = Annotated[
    Line | None, Query(max_length=200, description="Only the referral with this id of the court's own.")
]
Since = Annotated[Instant | None, Query(description="Only referrals that changed at this instant or later.")]


@router.get("", operation_id="listCourts", responses=problems(401, 403, 422))
async def list_courts(work: Hop, page: Paged) -> CourtList:
    """List the courts that refer cases.

    Administrators and registrars may do this.
    """
    return await work.read(service.list_courts, page)


@router.get("/{court_id}", operation_id="readCourt", responses=problems(401, 404, 422))
async def read_court(work: Hop, court_id: UUID) -> CourtOut:
    """Read a court."""
    return await work.read(service.read_court, court_id)


@router.post(
    "", status_code=201, dependencies=Create, operation_id="enterCourt", responses=problems(401, 403, 409, 422)
)
async def enter_court(work: Hop, body: CourtIn) -> CourtOut:
    """Enter a court that refers cases.

    Administrators may do this.
    """
    return await work.write(act(service.enter_court, body), answer=service.read_court, status=201)


@router.patch(
    "/{court_id}",
    dependencies=Change,
    operation_id="changeCourt",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def change_court(work: Hop, court_id: UUID, body: CourtChange) -> CourtOut:
    """Correct a court's entry, or suspend the court.

    Administrators may do this.
    """
    return await work.write(
        act(service.change_court, court_id, body), answer=service.read_court, item=(court_id,), lock=service.lock_court
    )


@referrals.get("", operation_id="listReferrals", responses=problems(401, 422))
async def list_referrals(
    work: Hop,
    page: Paged,
    state: State = None,
    external_id: ExternalId = None,
    updated_since: Since = None,
) -> ReferralList:
    """List the referrals, the newest first.

    A court sees its own referrals, the registry all of them.
    """
    only = referral_views.ReferralFilter(state, external_id, updated_since)
    return await work.read(referral_views.list_referrals, page, only)


@referrals.get("/{referral_id}", operation_id="readReferral", responses=problems(401, 404, 422))
async def read_referral(work: Hop, referral_id: UUID) -> ReferralOut:
    """Read a referral and what became of it."""
    return await work.read(referral_views.read_referral, referral_id)


@referrals.get("/{referral_id}/filings", operation_id="listReferralFilings", responses=problems(401, 404, 422))
async def list_referral_filings(work: Hop, referral_id: UUID, page: Paged) -> FilingList:
    """List the filings to the court or the public in the case of a referral."""
    return await work.read(referral_views.list_filings, referral_id, page)


REFERS = problems(401, 403, 409, 422) | {
    200: {"model": ReferralOut, "description": "It was referred before: the present state of the referral"}
}


@referrals.post("", status_code=201, dependencies=Create, operation_id="referCase", responses=REFERS)
async def refer_case(work: Hop, body: ReferralIn) -> ReferralOut:
    """Refer a case.

    A court's program may do this. A referral with the same `external_id` that says the same is not entered twice: the
    answer is then 200 with the existing one.
    """
    return await work.write(act(acts.refer, body), answer=referral_views.read_referral, status=201, finds=True)


@referrals.patch(
    "/{referral_id}",
    dependencies=Change,
    operation_id="amendReferral",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def amend_referral(work: Hop, referral_id: UUID, body: ReferralAmendment) -> ReferralOut:
    """Change a referral.

    Its court may do this. Once a case was opened, its participants see what the court sends.
    """
    item = (referral_id,)
    return await work.write(
        act(acts.amend, referral_id, body), answer=referral_views.read_referral, item=item, lock=acts.lock_referral
    )


_IS_FILE: dict[str, Any] = {
    "description": "The file, or the part that `Range` asks for (206).",
    "content": contents_of(TEXTS),
}
BRINGS = problems(401, 403, 404, 409, 422)
HANDS_OUT: dict[int | str, dict[str, Any]] = {**problems(401, 404, 416, 422), 200: _IS_FILE, 206: _IS_FILE}


@uploads.post(
    "/{referral_id}/order",
    dependencies=Create,
    operation_id="uploadOrder",
    responses=BRINGS,
    openapi_extra=takes_file(TEXTS, "order.pdf"),
)
async def upload_order(work: Upload, referral_id: UUID) -> ReferralOut:
    """Upload the order of a referral as a file.

    Its court may do this. The file is the body of the request. A later file replaces it.
    """
    file, most = file_of(work.request, TEXTS), min(work.seams.database.settings.document_limit, MOST_OF_ORDER)
    if (again := await replayed(work, file, most, referral_views.read_referral)) is not None:
        return again
    ticket = await work.look(order_files.may_bring, referral_id)
    arrived = await receive_file(work, ticket, file, most)
    return await keep_or_delete(work, arrived, _bring(work, referral_id, ticket, arrived))


async def _bring(work: Work, referral_id: UUID, ticket: order_files.OrderTicket, arrived: Arrived) -> ReferralOut:
    await _scanned(work, ticket, arrived)
    return await work.write(act(order_files.bring, referral_id, arrived), answer=referral_views.read_referral)


async def _scanned(work: Work, ticket: order_files.OrderTicket, arrived: Arrived) -> None:
    """Refuse an infected file before anybody learns of it; Unavailable if the scanner cannot be reached."""
    storage, clamd = work.seams.storage, work.seams.database.settings.clamd
    if clamd is None:
        return
    waits = Quarantined(arrived.id, arrived.object_key, arrived.size, ticket.key)
    verdict = await storage.in_thread(lambda: scan(storage, waits, clamd))
    if verdict == "infected":
        raise invalid("", "infected", "The virus scanner refuses this file as infected. Send a clean file.")
    if verdict == "unknown":
        raise Unavailable


@referrals.get("/{referral_id}/order", operation_id="downloadOrder", response_class=Response, responses=HANDS_OUT)
async def download_order(work: Hop, referral_id: UUID) -> Response:
    """Download the order of a referral."""
    return await hand_out(work, await work.look(order_files.leaf, referral_id))


@in_case.get("/order", operation_id="downloadCaseOrder", response_class=Response, responses=HANDS_OUT)
async def download_case_order(work: Hop, case_id: UUID) -> Response:
    """Download the order by which a case was referred."""
    return await hand_out(work, await work.look(order_files.leaf_in_case, case_id))


@referrals.post("/{referral_id}/withdraw", dependencies=Act, operation_id="withdrawReferral", responses=ACTS)
async def withdraw_referral(work: Hop, referral_id: UUID) -> ReferralOut:
    """Withdraw a referral.

    Its court may do this. The participants of a case that was opened on it learn of it.
    """
    item = (referral_id,)
    return await work.write(
        act(acts.withdraw, referral_id), answer=referral_views.read_referral, item=item, lock=acts.lock_referral
    )


@referrals.post("/{referral_id}/extend", dependencies=Act, operation_id="extendReturnDate", responses=ACTS)
async def extend_return_date(work: Hop, referral_id: UUID, body: ReturnDateIn) -> ReferralOut:
    """Extend the return date of a referral.

    Its court may do this. The term that runs in the case moves with it.
    """
    item = (referral_id,)
    return await work.write(
        act(acts.extend, referral_id, body), answer=referral_views.read_referral, item=item, lock=acts.lock_referral
    )


@referrals.post("/{referral_id}/accept", dependencies=Act, operation_id="acceptReferral", responses=ACTS)
async def accept_referral(work: Hop, referral_id: UUID, body: ReferralAcceptance | None = None) -> ReferralOut:
    """Accept a referral and open a case on it.

    Registrars may do this. The case is opened under the rule set that the request names.
    """
    acceptance, item = body or ReferralAcceptance(), (referral_id,)
    return await work.write(
        act(registry_decisions.accept, referral_id, acceptance),
        answer=referral_views.read_referral,
        item=item,
        lock=acts.lock_referral,
    )


@referrals.post("/{referral_id}/ask", dependencies=Act, operation_id="askAboutReferral", responses=ACTS)
async def ask_about_referral(work: Hop, referral_id: UUID, body: AskIn) -> ReferralOut:
    """Ask the court for what a referral lacks.

    Registrars may do this.
    """
    item = (referral_id,)
    return await work.write(
        act(registry_decisions.ask, referral_id, body),
        answer=referral_views.read_referral,
        item=item,
        lock=acts.lock_referral,
    )


@referrals.post("/{referral_id}/decline", dependencies=Act, operation_id="declineReferral", responses=ACTS)
async def decline_referral(work: Hop, referral_id: UUID, body: RefusalIn) -> ReferralOut:
    """Decline a referral.

    Registrars may do this.
    """
    item = (referral_id,)
    return await work.write(
        act(registry_decisions.decline, referral_id, body),
        answer=referral_views.read_referral,
        item=item,
        lock=acts.lock_referral,
    )


@in_case.get("", operation_id="readCaseReferral", responses=problems(401, 404, 422))
async def read_case_referral(work: Hop, case_id: UUID) -> ReferralInCase:
    """Read what the court sent about a case, and the report that it received when the case ended."""
    return await work.read(referral_views.read_in_case, case_id)


@in_case.post("/admit-representative", dependencies=Act, operation_id="admitNamedRepresentative", responses=ACTS)
async def admit_named(work: Hop, case_id: UUID, body: NamedRepresentativeIn) -> ReferralInCase:
    """Admit a person whom the court named to act for a party.

    Registrars may do this, also for a party that has an agent.
    """
    return await work.write(
        act(named_representatives.admit_named, case_id, body),
        answer=referral_views.read_in_case,
        item=(case_id,),
        lock=lock_case,
    )


@in_case.post("/share-dates", dependencies=Act, operation_id="shareSessionDates", responses=ACTS)
async def share_session_dates(work: Hop, case_id: UUID, body: ActingIn | None = None) -> ReferralInCase:
    """Agree for your party that the court may know the dates of joint sessions.

    The court learns them once every party has agreed.
    """
    return await work.write(
        act(case_progress.share_dates, case_id, body or ActingIn()),
        answer=referral_views.read_in_case,
        item=(case_id,),
    )
