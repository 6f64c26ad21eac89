"""`/v1/signing-keys`."""

from fastapi import APIRouter

from app.core.http.parameters import Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.institution.signing import service
from app.institution.signing.schemas import SigningKeyList

router = APIRouter(prefix="/v1/signing-keys", tags=["certificates"], route_class=Route)


@router.get("", operation_id="listSigningKeys", responses=problems(401, 422))
async def list_keys(work: Hop, page: Paged) -> SigningKeyList:
    """List the public keys of the institution.

    Retired keys are listed too, because their signatures stay valid.
    """
    return await work.read(service.list_keys, page)
