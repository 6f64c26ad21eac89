"""`/v1/clients`, `/oauth/token` and its metadata."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from app.core.access.scopes import SCOPES
from app.core.errors import GrantRefused
from app.core.http.middleware import address_of
from app.core.http.parameters import Act, Hop, Paged
from app.core.http.problems import grant_refusals, problems
from app.core.http.routing import Route
from app.core.http.valid_tokens import check_grant
from app.core.http.work import act
from app.integration.clients import grants, service
from app.integration.clients.schemas import AuthorisationServer, ClientIn, ClientList, ClientMinted, ClientOut, Granted

router = APIRouter(prefix="/v1/clients", tags=["clients"], route_class=Route)
# OAuth's own: forms and words that the rest of the API does not have.
oauth = APIRouter(tags=["clients"])
ACTS = problems(401, 403, 404, 409, 412, 422)


@router.get("", operation_id="listClients", responses=problems(401, 403, 422))
async def list_clients(work: Hop, page: Paged) -> ClientList:
    """List the programs that have access.

    Administrators and registrars may do this. Secrets are not shown.
    """
    return await work.read(service.list_clients, page)


@router.get("/{client_id}", operation_id="readClient", responses=problems(401, 404, 422))
async def read_client(work: Hop, client_id: UUID) -> ClientOut:
    """Read a program."""
    return await work.read(service.read_client, client_id)


@router.post("", status_code=201, operation_id="addClient", responses=problems(401, 403, 422))
async def add_client(work: Hop, body: ClientIn) -> ClientMinted:
    """Give a program access.

    Administrators may do this. The secret is shown only in this answer, so an `Idempotency-Key` is refused.
    """
    return await work.mint(act(service.add_client, body), answer=service.read_minted, status=201)


@router.post("/{client_id}/rotate", operation_id="rotateSecret", responses=problems(401, 403, 404, 409, 422))
async def rotate_secret(work: Hop, client_id: UUID) -> ClientMinted:
    """Make another secret for a program.

    The first secret stays valid until you revoke it. The new one is shown only in this answer, so an `Idempotency-Key`
    is refused.
    """
    return await work.mint(act(service.rotate_secret, client_id), answer=service.read_minted)


@router.post("/{client_id}/secrets/{secret_id}/revoke", dependencies=Act, operation_id="revokeSecret", responses=ACTS)
async def revoke_secret(work: Hop, client_id: UUID, secret_id: UUID) -> ClientOut:
    """Revoke a secret of a program.

    Administrators may do this. The tokens that were granted for this secret end at once.
    """
    return await work.write(
        act(service.revoke_secret, client_id, secret_id), answer=service.read_client, item=(client_id,)
    )


@router.post("/{client_id}/disable", dependencies=Act, operation_id="disableClient", responses=ACTS)
async def disable_client(work: Hop, client_id: UUID) -> ClientOut:
    """End a program's access for good.

    Administrators may do this. The program's tokens end at once.
    """
    return await work.write(act(service.disable, client_id), answer=service.read_client, item=(client_id,))


_TEXT = {"type": "string"}
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"const": grants.GRANT, "description": "The grant type: `client_credentials` alone."},
        "scope": {**_TEXT, "description": "Some of the client's scopes, separated by blanks; all of them if left out."},
        "client_id": {**_TEXT, "description": "The client's id, unless it is sent as `Authorization: Basic`."},
        "client_secret": {**_TEXT, "description": "The client's secret, unless it is sent as `Authorization: Basic`."},
        "resource": {**_TEXT, "description": "The address of this service (RFC 8707). It may be left out."},
    },
}
_ASKS = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}}


@oauth.post("/oauth/token", operation_id="grantToken", responses=grant_refusals(), openapi_extra=_ASKS)
async def grant_token(work: Hop, request: Request) -> Granted:
    """Get a token for a program.

    The program shows its id and secret (RFC 6749, section 4.4). The token is valid for fifteen minutes.
    """
    here, media_type = _here(request), request.headers.get("content-type", "")
    ours, shown = frozenset((here, f"{here}/v1")), request.headers.getlist("authorization")
    address = address_of(request.scope)
    try:
        asked = grants.read_request(work.body, media_type, shown, ours)
    except GrantRefused:
        await check_grant(request, address, "")
        raise
    await check_grant(request, address, asked.secret)
    try:
        granted = await work.grant(grants.grant, _token_of, asked)
    except GrantRefused:
        work.limits.forget(asked.secret)
        raise
    work.limits.remember(asked.secret)
    return granted


@oauth.get("/.well-known/oauth-authorization-server", operation_id="readAuthorisationServer")
async def read_authorisation_server(request: Request) -> AuthorisationServer:
    """Read where and how programs get tokens (RFC 8414)."""
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


def _token_of(granted: Granted) -> str:
    return granted.access_token


def _here(request: Request) -> str:
    """The address of this service: the configured one, or the one that the request used."""
    configured: str | None = request.app.state.seams.database.settings.public_url
    return configured or str(request.base_url).rstrip("/")
