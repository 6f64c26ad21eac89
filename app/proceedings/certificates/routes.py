"""`…/filings/{filing}/receipt` and `…/settlement/certificates` of a case."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import PDF, problems
from app.core.http.routing import Route
from app.core.values import Rendered
from app.institution.signing.schemas import SignedOut
from app.proceedings.certificates import service
from app.proceedings.certificates.schemas import CertificateList

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["certificates"], route_class=Route)


@router.get("/filings/{filing_id}/receipt", operation_id="readReceipt", responses=problems(401, 404, 422))
async def read_receipt(work: Hop, case_id: UUID, filing_id: UUID) -> SignedOut:
    """Read the receipt of a filing as a signed file."""
    return await work.read(service.read_receipt, case_id, filing_id)


@router.get(
    "/filings/{filing_id}/receipt.pdf",
    operation_id="drawReceipt",
    response_model=None,
    response_class=Response,
    responses=PDF | problems(401, 404, 422),
)
async def draw_receipt(work: Hop, case_id: UUID, filing_id: UUID) -> Rendered:
    """Read the receipt of a filing as a PDF."""
    return await work.read(service.draw_receipt, case_id, filing_id)


@router.get("/settlement/certificates", operation_id="listCertificates", responses=problems(401, 404, 422))
async def list_certificates(work: Hop, case_id: UUID, page: Paged) -> CertificateList:
    """List the certificates of how a case ended."""
    return await work.read(service.list_certificates, case_id, page)


# Before the route whose path would take the ending for a part of the id.
@router.get(
    "/settlement/certificates/{certificate_id}.pdf",
    operation_id="drawCertificate",
    response_model=None,
    response_class=Response,
    responses=PDF | problems(401, 404, 422),
)
async def draw_certificate(work: Hop, case_id: UUID, certificate_id: UUID) -> Rendered:
    """Read a certificate as a PDF."""
    return await work.read(service.draw_certificate, case_id, certificate_id)


@router.get(
    "/settlement/certificates/{certificate_id}", operation_id="readCertificate", responses=problems(401, 404, 422)
)
async def read_certificate(work: Hop, case_id: UUID, certificate_id: UUID) -> SignedOut:
    """Read a certificate as a signed file."""
    return await work.read(service.read_certificate, case_id, certificate_id)
