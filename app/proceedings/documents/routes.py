"""`…/documents` of a filing and of a draft of a settlement, `/v1/documents`, and `…/accesses`."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.core.files.kinds import KINDS, TEXTS, Kind
from app.core.files.names import disposition
from app.core.files.transfers import opened, shown_digest
from app.core.http.parameters import Act, Create, Hop, Paged, Upload
from app.core.http.problems import problems
from app.core.http.routing import Route, UploadRoute
from app.core.http.transfers import file_response, is_known, not_modified, tag_of, wanted
from app.core.http.uploads import arrived_of, entered, file_of
from app.core.http.work import Work, act
from app.core.values import Language
from app.proceedings.documents import accesses, service
from app.proceedings.documents.holders import Holder
from app.proceedings.documents.schemas import About, AccessList, DocumentList, DocumentOut, Relation

uploads = APIRouter(tags=["documents"], route_class=UploadRoute)
router = APIRouter(tags=["documents"], route_class=Route)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: dict[str, Any] = {
    "description": "The file, or the part that `Range` asks for (206); always an attachment",
    "content": {kind.media_type: _BINARY for kind in KINDS},
}
_NAME = {
    "name": "Content-Disposition",
    "in": "header",
    "required": True,
    "description": "`attachment; filename*=UTF-8''name.pdf`: the name of the file, percent-encoded",
    "schema": {"type": "string", "example": "attachment; filename*=UTF-8''memorial.pdf"},
}
_DIGEST = {
    "name": "Repr-Digest",
    "in": "header",
    "required": False,
    "description": "`sha-256=:BASE64:` (RFC 9530), verified before the document exists; `Content-Digest` likewise",
    "schema": {"type": "string"},
}
_FILE = {"requestBody": {"required": True, "content": _CONTENT["content"]}, "parameters": [_NAME, _DIGEST]}
_TEXT = {**_FILE, "requestBody": {"required": True, "content": {kind.media_type: _BINARY for kind in TEXTS}}}


async def about(
    language: Annotated[
        Language | None,
        Query(description="The language of the document: `fr`, `zh-Hant`; a text of a settlement has one"),
    ] = None,
    relation: Annotated[Relation, Query(description="What it is, or what of another document")] = "original",
    related_id: Annotated[UUID | None, Query(description="The document that it is a translation of, …")] = None,
    replaces_id: Annotated[UUID | None, Query(description="The document of which it is the next version")] = None,
) -> About:
    """What is said of a document beside its bytes."""
    return About(language=language, relation=relation, related_id=related_id, replaces_id=replaces_id)


@uploads.post(
    "/v1/cases/{case_id}/filings/{filing_id}/documents",
    status_code=201,
    dependencies=Create,
    operation_id="uploadDocument",
    responses=problems(401, 403, 404, 409, 422),
    openapi_extra=_FILE,
)
async def upload(work: Upload, case_id: UUID, filing_id: UUID, given: Annotated[About, Depends(about)]) -> DocumentOut:
    """Upload a document to a draft, as the body of the request; the same file under the same name is one document."""
    return await _upload(work, Holder("filing", case_id, filing_id), given, KINDS)


@uploads.post(
    "/v1/cases/{case_id}/settlement/drafts/{draft_id}/documents",
    status_code=201,
    dependencies=Create,
    operation_id="uploadText",
    responses=problems(401, 403, 404, 409, 422),
    openapi_extra=_TEXT,
)
async def upload_text(
    work: Upload, case_id: UUID, draft_id: UUID, given: Annotated[About, Depends(about)]
) -> DocumentOut:
    """Upload a text of the settlement to its draft, as the body of the request: PDF or a word processor's document."""
    return await _upload(work, Holder("draft", case_id, draft_id), given, TEXTS)


async def _upload(work: Work, holder: Holder, given: About, kinds: Sequence[Kind]) -> DocumentOut:
    file, settings = file_of(work.request, kinds), work.seams.database.settings
    intake = service.Intake(settings.documents_per_filing, settings.clamd is not None)
    ticket = await work.look(service.may_upload, holder, given, intake)
    arrived = await arrived_of(work, ticket, file, settings.document_limit)
    entering = work.write(act(service.store, ticket, arrived, intake), answer=service.read_document, status=201)
    return await entered(work, arrived, entering)


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
    """List the documents that are texts of a draft of the settlement."""
    return await work.read(service.list_documents, Holder("draft", case_id, draft_id), page)


@router.get("/v1/documents/{document_id}", operation_id="readDocument", responses=problems(401, 404, 422))
async def read_document(work: Hop, document_id: UUID) -> DocumentOut:
    """Read what is known of a document."""
    return await work.read(service.read_document, document_id)


@router.post(
    "/v1/documents/{document_id}/remove",
    dependencies=Act,
    operation_id="removeDocument",
    responses={**problems(401, 403, 404, 409, 412, 422), 204: {"description": "It is removed"}},
)
async def remove_document(work: Hop, document_id: UUID) -> DocumentOut:
    """Remove a document from a draft."""
    return await work.write(act(service.remove, document_id), answer=service.read_document, item=(document_id,))


@router.get(
    "/v1/documents/{document_id}/content",
    operation_id="downloadDocument",
    response_class=Response,
    responses={**problems(401, 404, 409, 416, 422), 200: _CONTENT, 206: _CONTENT},
)
async def download(work: Hop, document_id: UUID) -> Response:
    """Download a document, whole or by ranges."""
    leaf = await work.look(service.leaf, document_id)
    tag = tag_of(leaf.sha256)
    if is_known(work.request, tag):
        return not_modified(tag)
    part = wanted(work.request, leaf.size, tag)
    await work.note(accesses.note_access, document_id, part.start, part.end)
    chunks = await opened(work.seams.storage, leaf, part.start, part.end)
    headers = {"content-disposition": disposition(leaf.name), "repr-digest": shown_digest(leaf.sha256)}
    return file_response(part, leaf.size, tag, leaf.media_type, headers, chunks)


@router.get("/v1/cases/{case_id}/accesses", operation_id="listAccesses", responses=problems(401, 404, 422))
async def list_accesses(work: Hop, case_id: UUID, page: Paged) -> AccessList:
    """List who read what your side filed in confidence."""
    return await work.read(accesses.list_accesses, case_id, page)
