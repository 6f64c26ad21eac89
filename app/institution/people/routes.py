"""`/v1/me`, `/v1/users` and `/v1/tokens`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.core.http.parameters import Act, Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import OpenRoute, Route
from app.core.http.work import act
from app.core.values import Flag
from app.institution.people import accounts, activations, corrections, tokens
from app.institution.people import service as people
from app.institution.people.schemas import (
    ActivationIn,
    CorrectionList,
    MeOut,
    RotationIn,
    TokenIn,
    TokenList,
    TokenMinted,
    TokenOut,
    UserChange,
    UserIn,
    UserList,
    UserOut,
)

router = APIRouter(prefix="/v1", tags=["people"], route_class=Route)
entrance = APIRouter(prefix="/v1", tags=["people"], route_class=OpenRoute)
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

    Administrators may do this. An administrator or registrar can act once a second person of the institution's staff
    has approved them, if there is a second person. Where mail is set up, the person gets a one-time link by mail.
    """
    return await work.write(act(people.add_user, body), answer=people.read_user, status=201)


@router.post("/users/{user_id}/approve", dependencies=Act, operation_id="approveUser", responses=ACTS)
async def approve_user(work: Hop, user_id: UUID) -> UserOut:
    """Approve a person who was invited into a case by e-mail, or was proposed for the staff.

    Administrators and registrars may do this; for the staff only another administrator than the one who proposed the
    person, or a registrar where there is no other administrator. From then on the person can act.
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


@router.post("/users/{user_id}/enable", dependencies=Act, operation_id="enableUser", responses=ACTS)
async def enable_user(work: Hop, user_id: UUID) -> UserOut:
    """Enable a disabled account again.

    Administrators may do this. The holder gets a new one-time link by mail. Tokens, capacities and appointments stay
    ended.
    """
    return await work.write(act(accounts.enable, user_id), answer=people.read_user, item=(user_id,))


@router.patch(
    "/users/{user_id}",
    dependencies=Change,
    operation_id="correctUser",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def correct_user(work: Hop, user_id: UUID, body: UserChange) -> UserOut:
    """Correct the name or the e-mail address of an account.

    Administrators may do this. Tokens, capacities and cases stay. The old address gets a mail as well.
    """
    return await work.write(
        act(corrections.correct, user_id, body),
        answer=people.read_user,
        item=(user_id,),
        lock=corrections.lock_user,
    )


@router.get("/users/{user_id}/corrections", operation_id="listUserCorrections", responses=problems(401, 404, 422))
async def list_user_corrections(work: Hop, user_id: UUID, page: Paged) -> CorrectionList:
    """List the corrections of an account."""
    return await work.read(corrections.list_corrections, user_id, page)


@router.post("/users/{user_id}/link", dependencies=Act, operation_id="mailLink", responses=ACTS)
async def mail_link(work: Hop, user_id: UUID) -> UserOut:
    """Have a new one-time link mailed to the holder of an account, at the address on file.

    Administrators and registrars may do this, but not to an address that they corrected themselves. Nobody but the
    holder sees the link. It is valid for 72 hours and ends those before it.
    """
    sends_mail = work.seams.database.settings.smtp_host is not None
    return await work.write(act(activations.order_link, user_id, sends_mail), answer=people.read_user, item=(user_id,))


@entrance.post("/activations", operation_id="activateAccount", responses=problems(422))
async def activate_account(work: Hop, body: ActivationIn) -> TokenMinted:
    """Use a one-time link up, and get a token for your account.

    No token is needed. The secret of the token is shown only in this answer. A link that is unknown, used, replaced or
    expired gets the same refusal.
    """
    return await work.grant(activations.activate, _token_of, body)


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

    Its secret is shown only in this answer, so an `Idempotency-Key` is refused. Nobody makes tokens for others.
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


def _token_of(minted: TokenMinted) -> str:
    return minted.token
