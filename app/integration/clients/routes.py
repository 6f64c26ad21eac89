"""`/v1/clients`, `/oauth/token` and where that is told of."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from app.core.access.scopes import SCOPES
from app.core.http.parameters import Act, Hop, Paged
from app.core.http.problems import grant_refusals, problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.integration.clients import grants, service
from app.integration.clients.schemas import AuthorisationServer, ClientIn, ClientList, ClientMinted, ClientOut, Granted

router = APIRouter(prefix="/v1/clients", tags=["clients"], route_class=Route)
# OAuth's own: forms and words that the rest of the API does not have.
oauth = APIRouter(tags=["clients"])
ACTS = problems(401, 403, 404, 409, 412, 422)


@router.get("", operation_id="listClients", responses=problems(401, 403, 422))
async def list_clients(work: Hop, page: Paged) -> ClientList:
    """List the programs that come in, without their secrets."""
    return await work.read(service.list_clients, page)


@router.get("/{client_id}", operation_id="readClient", responses=problems(401, 404, 422))
async def read_client(work: Hop, client_id: UUID) -> ClientOut:
    """Read what is known of a program, without its secrets."""
    return await work.read(service.read_client, client_id)


@router.post("", status_code=201, operation_id="addClient", responses=problems(401, 403, 422))
async def add_client(work: Hop, body: ClientIn) -> ClientMinted:
    """Let a program come in, as an administrator; its secret is shown this once, so an Idempotency-Key is refused."""
    return await work.write(act(service.add_client, body), answer=service.read_minted, status=201, keyed=False)


@router.post("/{client_id}/rotate", operation_id="rotateSecret", responses=problems(401, 403, 404, 409, 422))
async def rotate_secret(work: Hop, client_id: UUID) -> ClientMinted:
    """Make a second secret beside the first, which lives until you revoke it; it is shown this once."""
    return await work.write(act(service.rotate_secret, client_id), answer=service.read_minted, keyed=False)


@router.post("/{client_id}/secrets/{secret_id}/revoke", dependencies=Act, operation_id="revokeSecret", responses=ACTS)
async def revoke_secret(work: Hop, client_id: UUID, secret_id: UUID) -> ClientOut:
    """End a secret and the tokens that were got by it, at once."""
    return await work.write(
        act(service.revoke_secret, client_id, secret_id), answer=service.read_client, item=(client_id,)
    )


@router.post("/{client_id}/disable", dependencies=Act, operation_id="disableClient", responses=ACTS)
async def disable_client(work: Hop, client_id: UUID) -> ClientOut:
    """End a program's access for good, and its tokens at once."""
    return await work.write(act(service.disable, client_id), answer=service.read_client, item=(client_id,))


_TEXT = {"type": "string"}
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"const": grants.GRANT},
        "scope": {**_TEXT, "description": "Some of the client's scopes, with blanks between them; all if left out"},
        "client_id": {**_TEXT, "description": "Without a header `Authorization: Basic`"},
        "client_secret": {**_TEXT, "description": "Without a header `Authorization: Basic`"},
        "resource": {**_TEXT, "description": "This service, by its address (RFC 8707); may be left out"},
    },
}
_ASKS = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}}


@oauth.post("/oauth/token", operation_id="grantToken", responses=grant_refusals(), openapi_extra=_ASKS)
async def grant_token(work: Hop, request: Request) -> Granted:
    """Get a token for fifteen minutes, by a client's id and secret (RFC 6749, section 4.4)."""
    here, media_type = _here(request), request.headers.get("content-type", "")
    ours, shown = frozenset((here, f"{here}/v1")), request.headers.getlist("authorization")
    return await work.grant(grants.grant, grants.read_request(work.body, media_type, shown, ours))


@oauth.get("/.well-known/oauth-authorization-server", operation_id="readAuthorisationServer")
async def read_authorisation_server(request: Request) -> AuthorisationServer:
    """Read where tokens are got, and how (RFC 8414)."""
    here = _here(request)
    return AuthorisationServer(
        issuer=here,
        token_endpoint=f"{here}/oauth/token",
        grant_types_supported=[grants.GRANT],
        response_types_supported=[],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
        scopes_supported=sorted(SCOPES),
        service_documentation=f"{here}/docs",
    )


def _here(request: Request) -> str:
    """The address of this service: as it is set, or as the request calls it."""
    known: str | None = request.app.state.seams.database.settings.public_url
    return known or str(request.base_url).rstrip("/")
