"""`/v1/signing-keys`."""

from fastapi import APIRouter

from app.http.openapi import problems
from app.http.parameters import Hop, Paged
from app.http.routing import Route
from app.signing import service
from app.signing.schemas import SigningKeyList

router = APIRouter(prefix="/v1/signing-keys", tags=["certificates"], route_class=Route)


@router.get("", operation_id="listSigningKeys", responses=problems(401, 422))
async def list_keys(work: Hop, page: Paged) -> SigningKeyList:
    """List the institution's public keys, the retired ones too: what they signed stays good."""
    return await work.read(service.list_keys, page)
