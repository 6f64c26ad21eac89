"""`/v1/me`, `/v1/users` and `/v1/tokens`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.http.parameters import Act, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Flag
from app.institution.people import accounts, tokens
from app.institution.people import service as people
from app.institution.people.schemas import (
    MeOut,
    RotationIn,
    TokenIn,
    TokenList,
    TokenMinted,
    TokenOut,
    UserIn,
    UserList,
    UserOut,
)

router = APIRouter(prefix="/v1", tags=["people"], route_class=Route)
ACTS = problems(401, 403, 404, 409, 412, 422)


@router.get("/me", operation_id="readMe", responses=problems(401, 422))
async def read_me(work: Hop) -> MeOut:
    """Read who you are and what you are in which case."""
    return await work.read(people.read_me)


@router.get("/users", operation_id="listUsers", responses=problems(401, 403, 422))
async def list_users(
    work: Hop,
    page: Paged,
    awaits_approval: Annotated[
        Flag | None, Query(description="`true`: only accounts that wait for approval. `false`: only the others.")
    ] = None,
) -> UserList:
    """List the people with an account.

    Administrators and registrars may do this.
    """
    return await work.read(people.list_users, page, awaits_approval=awaits_approval)


@router.get("/users/{user_id}", operation_id="readUser", responses=problems(401, 404, 422))
async def read_user(work: Hop, user_id: UUID) -> UserOut:
    """Read a person's account."""
    return await work.read(people.read_user, user_id)


@router.post(
    "/users", status_code=201, dependencies=Create, operation_id="addUser", responses=problems(401, 403, 409, 422)
)
async def add_user(work: Hop, body: UserIn) -> UserOut:
    """Make an account for a person.

    Administrators may do this.
    """
    return await work.write(act(people.add_user, body), answer=people.read_user, status=201)


@router.post("/users/{user_id}/approve", dependencies=Act, operation_id="approveUser", responses=ACTS)
async def approve_user(work: Hop, user_id: UUID) -> UserOut:
    """Approve the account of a person who was invited into a case.

    Registrars may do this. From then on the person acts in the case.
    """
    return await work.write(
        act(accounts.approve, user_id, work.seams.lock_case), answer=people.read_user, item=(user_id,)
    )


@router.post("/users/{user_id}/disable", dependencies=Act, operation_id="disableUser", responses=ACTS)
async def disable_user(work: Hop, user_id: UUID) -> UserOut:
    """End an account.

    Administrators may do this. The person's tokens, and their capacities and appointments in all cases, end in the
    same act.
    """
    in_cases = accounts.InCases(work.seams.lock_case, work.seams.end_appointment)
    return await work.write(act(accounts.disable, user_id, in_cases), answer=people.read_user, item=(user_id,))


@router.get("/tokens", operation_id="listTokens", responses=problems(401, 422))
async def list_tokens(work: Hop, page: Paged) -> TokenList:
    """List your tokens."""
    return await work.read(tokens.list_tokens, page)


@router.get("/tokens/{token_id}", operation_id="readToken", responses=problems(401, 404, 422))
async def read_token(work: Hop, token_id: UUID) -> TokenOut:
    """Read a token, without its secret."""
    return await work.read(tokens.read_token, token_id)


@router.post("/tokens", status_code=201, operation_id="issueToken", responses=problems(401, 403, 422))
async def issue_token(work: Hop, body: TokenIn) -> TokenMinted:
    """Make a token.

    Its secret is shown only in this answer, so an `Idempotency-Key` is refused. Administrators may make tokens for
    others.
    """
    return await work.mint(act(tokens.issue_token, body), answer=tokens.read_minted, status=201)


@router.post("/tokens/{token_id}/rotate", operation_id="rotateToken", responses=problems(401, 404, 409, 422))
async def rotate_token(work: Hop, token_id: UUID, body: RotationIn | None = None) -> TokenMinted:
    """Replace one of your tokens with a new one.

    The old token ends at once. The new secret is shown only in this answer, so an `Idempotency-Key` is refused.
    """
    return await work.mint(act(tokens.rotate_token, token_id, body or RotationIn()), answer=tokens.read_minted)


@router.post(
    "/tokens/{token_id}/revoke",
    dependencies=Act,
    operation_id="revokeToken",
    responses=problems(401, 404, 409, 412, 422),
)
async def revoke_token(work: Hop, token_id: UUID) -> TokenOut:
    """Revoke a token, which ends at once."""
    return await work.write(act(tokens.revoke_token, token_id), answer=tokens.read_token, item=(token_id,))
