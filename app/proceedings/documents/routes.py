"""`…/documents` of a filing and of a draft of the settlement, `/v1/documents`, and `…/accesses`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.core.files.kinds import KINDS, TEXTS, Kind
from app.core.http.downloads import ByteRange, hand_out
from app.core.http.parameters import Act, Create, Hop, Paged, Upload, contents_of, takes_file
from app.core.http.problems import problems
from app.core.http.routing import Route, UploadRoute
from app.core.http.uploads import file_of, keep_or_delete, receive_file, replayed
from app.core.http.work import Work, act
from app.core.values import Language
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents import accesses, service, withdrawal
from app.proceedings.documents.holders import Holder
from app.proceedings.documents.schemas import About, AccessList, DocumentList, DocumentOut, Relation, WithdrawalIn

uploads = APIRouter(tags=["documents"], route_class=UploadRoute)
router = APIRouter(tags=["documents"], route_class=Route)
_CONTENT: dict[str, Any] = {
    "description": "The file, or the part that `Range` asks for (206), always as an attachment.",
    "content": contents_of(KINDS),
}


async def about(
    language: Annotated[
        Language | None,
        Query(
            description="The language of the document, by its code (`fr`, `zh-Hant`); needed for texts of a settlement."
        ),
    ] = None,
    relation: Annotated[
        Relation, Query(description="What the document is, on its own or in relation to `related_id`.")
    ] = "original",
    related_id: Annotated[
        UUID | None, Query(description="The document of which it is a translation, a redaction or an annex.")
    ] = None,
    replaces_id: Annotated[UUID | None, Query(description="The document whose next version it is.")] = None,
    acting_for: Annotated[
        UUID | None,
        Query(description="The party for which you act; needed only if you represent several to which it may belong."),
    ] = None,
) -> About:
    """What a request says of the document that it uploads."""
    return About(
        language=language,
        relation=relation,
        related_id=related_id,
        replaces_id=replaces_id,
        acting_for=acting_for,
    )


@uploads.post(
    "/v1/cases/{case_id}/filings/{filing_id}/documents",
    status_code=201,
    dependencies=Create,
    operation_id="uploadDocument",
    responses=problems(401, 403, 404, 409, 422),
    openapi_extra=takes_file(KINDS, "memorial.pdf"),
)
async def upload(
    work: Upload, case_id: UUID, filing_id: UUID, details: Annotated[About, Depends(about)]
) -> DocumentOut:
    """Upload a document to a filing that is a draft.

    The file is the body of the request. The same file under the same name is one document.
    """
    return await _upload(work, Holder("filing", case_id, filing_id), details, KINDS)


@uploads.post(
    "/v1/cases/{case_id}/settlement/drafts/{draft_id}/documents",
    status_code=201,
    dependencies=Create,
    operation_id="uploadText",
    responses=problems(401, 403, 404, 409, 422),
    openapi_extra=takes_file(TEXTS, "settlement.pdf"),
)
async def upload_text(
    work: Upload, case_id: UUID, draft_id: UUID, details: Annotated[About, Depends(about)]
) -> DocumentOut:
    """Upload a document to a draft of the settlement, as one of its texts.

    The file is the body of the request: PDF, DOCX or ODT. Every page of a PDF must be drawable.
    """
    return await _upload(work, Holder("draft", case_id, draft_id), details, TEXTS)


async def _upload(work: Work, holder: Holder, details: About, kinds: Sequence[Kind]) -> DocumentOut:
    settings = work.seams.database.settings
    file = replace(file_of(work.request, kinds), renders=holder.kind == "draft")
    if (again := await replayed(work, file, settings.document_limit, service.read_document)) is not None:
        return again
    intake = service.Intake(settings.documents_per_filing, settings.clamd is not None)
    ticket = await work.look(service.may_upload, holder, details, intake)
    arrived = await receive_file(work, ticket, file, settings.document_limit)
    entering = work.write(act(service.store, ticket, arrived, intake), answer=service.read_document, status=201)
    return await keep_or_delete(work, arrived, entering)


@router.get(
    "/v1/cases/{case_id}/filings/{filing_id}/documents",
    operation_id="listDocuments",
    responses=problems(401, 404, 422),
)
async def list_documents(work: Hop, case_id: UUID, filing_id: UUID, page: Paged) -> DocumentList:
    """List the documents of a filing."""
    return await work.read(service.list_documents, Holder("filing", case_id, filing_id), page)


@router.get(
    "/v1/cases/{case_id}/settlement/drafts/{draft_id}/documents",
    operation_id="listTexts",
    responses=problems(401, 404, 422),
)
async def list_texts(work: Hop, case_id: UUID, draft_id: UUID, page: Paged) -> DocumentList:
    """List the documents of a draft of the settlement."""
    return await work.read(service.list_documents, Holder("draft", case_id, draft_id), page)


@router.get("/v1/documents/{document_id}", operation_id="readDocument", responses=problems(401, 404, 422))
async def read_document(work: Hop, document_id: UUID) -> DocumentOut:
    """Read the description of a document."""
    return await work.read(service.read_document, document_id)


@router.post(
    "/v1/documents/{document_id}/remove",
    dependencies=Act,
    operation_id="removeDocument",
    responses={**problems(401, 403, 404, 409, 412, 422), 204: {"description": "The document is removed."}},
)
async def remove_document(work: Hop, document_id: UUID, body: ActingIn | None = None) -> DocumentOut:
    """Remove a document from a filing or settlement text that is a draft."""
    removal = act(service.remove, document_id, body or ActingIn())
    return await work.write(removal, answer=service.read_document, item=(document_id,))


@router.post(
    "/v1/documents/{document_id}/withdraw",
    dependencies=Act,
    operation_id="withdrawDocument",
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def withdraw_document(work: Hop, document_id: UUID, body: WithdrawalIn | None = None) -> DocumentOut:
    """Withdraw a document of a submitted filing that was filed by mistake.

    The side that filed it may do this. At once only that side can read it; the answer lists who had read it.
    """
    withdrawal_of = act(withdrawal.withdraw, document_id, body or WithdrawalIn())
    return await work.write(withdrawal_of, answer=service.read_document, item=(document_id,))


@router.get(
    "/v1/documents/{document_id}/content",
    operation_id="downloadDocument",
    response_class=Response,
    responses={**problems(401, 404, 409, 416, 422), 200: _CONTENT, 206: _CONTENT},
)
async def download(work: Hop, document_id: UUID) -> Response:
    """Download a document, whole or by ranges.

    Each read of a confidential document is recorded for its author's side (`listAccesses`). HEAD reads nothing of it.
    """

    async def note(part: ByteRange) -> None:
        """Record which bytes are read."""
        await work.note(accesses.note_access, document_id, part.start, part.end)

    return await hand_out(work, await work.look(service.leaf, document_id), note)


@router.get("/v1/cases/{case_id}/accesses", operation_id="listAccesses", responses=problems(401, 404, 422))
async def list_accesses(work: Hop, case_id: UUID, page: Paged) -> AccessList:
    """List who read the confidential documents of your side."""
    return await work.read(accesses.list_accesses, case_id, page)
