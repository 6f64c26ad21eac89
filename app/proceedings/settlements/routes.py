"""`…/settlement` of a case."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Act, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.settlements import drafts, signatures
from app.proceedings.settlements.schemas import (
    DraftIn,
    DraftList,
    DraftOut,
    FreezeIn,
    SignatureIn,
    SignatureList,
    SignatureOut,
)

router = APIRouter(prefix="/v1/cases/{case_id}/settlement", tags=["settlement"], route_class=Route)


@router.get("/drafts", operation_id="listDrafts", responses=problems(401, 404, 422))
async def list_drafts(work: Hop, case_id: UUID, page: Paged) -> DraftList:
    """List the drafts of the settlement that you may know of."""
    return await work.read(drafts.list_drafts, case_id, page)


@router.get("/drafts/{draft_id}", operation_id="readDraft", responses=problems(401, 404, 422))
async def read_draft(work: Hop, case_id: UUID, draft_id: UUID) -> DraftOut:
    """Read a draft."""
    return await work.read(drafts.read_draft, case_id, draft_id)


@router.post(
    "/drafts",
    status_code=201,
    dependencies=Create,
    operation_id="draftText",
    responses=problems(401, 403, 404, 409, 422),
)
async def draft(work: Hop, case_id: UUID, body: DraftIn) -> DraftOut:
    """Put a draft of the settlement before an audience.

    Mediators and representatives may do this.
    """
    return await work.write(act(drafts.draft, case_id, body), answer=drafts.read_draft, status=201)


@router.post(
    "/drafts/{draft_id}/share",
    dependencies=Act,
    operation_id="shareDraft",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def share(work: Hop, case_id: UUID, draft_id: UUID, body: ActingIn | None = None) -> DraftOut:
    """Share your draft of the settlement with your side.

    Everybody who acts for the party now reads it from then on, with its documents, and may replace it. This cannot be
    undone.
    """
    return await work.write(
        act(drafts.share, case_id, draft_id, body or ActingIn()),
        answer=drafts.read_draft,
        item=(case_id, draft_id),
        lock=lock_case,
    )


@router.post(
    "/drafts/{draft_id}/freeze",
    dependencies=Act,
    operation_id="freezeText",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def freeze(work: Hop, case_id: UUID, draft_id: UUID, body: FreezeIn) -> DraftOut:
    """Freeze a draft, by its hash, as the text to sign.

    Signatures under a text that was frozen before lose their effect.
    """
    return await work.write(
        act(drafts.freeze, case_id, draft_id, body),
        answer=drafts.read_draft,
        item=(case_id, draft_id),
        lock=lock_case,
    )


@router.get("/signatures", operation_id="listSignatures", responses=problems(401, 404, 422))
async def list_signatures(work: Hop, case_id: UUID, page: Paged) -> SignatureList:
    """List the signatures."""
    return await work.read(signatures.list_signatures, case_id, page)


@router.get("/signatures/{signature_id}", operation_id="readSignature", responses=problems(401, 404, 422))
async def read_signature(work: Hop, case_id: UUID, signature_id: UUID) -> SignatureOut:
    """Read a signature."""
    return await work.read(signatures.read_signature, case_id, signature_id)


@router.post(
    "/signatures",
    status_code=201,
    dependencies=Create,
    operation_id="signText",
    responses=problems(401, 403, 404, 409, 422),
)
async def sign(work: Hop, case_id: UUID, body: SignatureIn) -> SignatureOut:
    """Sign the frozen text for your party.

    The last signature settles the case.
    """
    return await work.write(act(signatures.sign, case_id, body), answer=signatures.read_signature, status=201)
