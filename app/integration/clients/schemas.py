"""Clients, their secrets, and the answers of the token endpoint."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.access.scopes import SCOPES
from app.core.values import In, Line, Listed, Out, one_of


def _known(names: list[str]) -> list[str]:
    if len(names) != len(set(names)):
        raise PydanticCustomError("repeated", "Name each scope only once.")
    if set(names) - set(SCOPES):
        raise PydanticCustomError(
            "scope", "A scope does not exist. Choose among: {known}.", {"known": ", ".join(SCOPES)}
        )
    return sorted(names)


Scope = TypeAliasType("Scope", Annotated[str, one_of(SCOPES, "A scope: what a program may do.")])
Scopes = Annotated[
    list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=20), AfterValidator(_known)
]


class ClientIn(In):
    """A program that is to have access: a court's, or the institution's own."""

    name: Line = Field(description="The name of the program.")
    court_id: UUID | None = Field(
        None,
        description="The court whose program it is; left out if it is the institution's own, which cannot have the "
        "scope `referrals.read`.",
    )
    scopes: Scopes = Field(description="What the program may do: " + ", ".join(f"`{name}`" for name in SCOPES) + ".")


class SecretOut(Out):
    """A secret of a client, without the secret itself."""

    id: UUID = Field(description="The id of the secret.")
    created_at: datetime = Field(description="When the secret was made.")
    used_at: datetime | None = Field(description="When it last got a token; null if it never did.")
    revoked_at: datetime | None = Field(description="When it was revoked; null if it was not.")


class ClientOut(Out):
    """A client: a program with access, and its secrets."""

    id: UUID = Field(description="The id of the client, which is the `client_id` of OAuth.")
    name: str = Field(description="The name of the program.")
    court_id: UUID | None = Field(description="The court whose program it is; null if it is the institution's own.")
    scopes: list[Scope] = Field(description="What the program may do.")
    active: bool = Field(description="Whether the program has access.")
    created_at: datetime = Field(description="When the client was made.")
    disabled_at: datetime | None = Field(description="When its access was ended; null if it was not.")
    secrets: list[SecretOut] = Field(description="Its secrets, in the order in which they were made.")


class ClientMinted(ClientOut):
    """A client with its newest secret, which is shown only in this answer."""

    client_secret: str = Field(description="The secret, which is the `client_secret` of OAuth. It is shown only here.")


class ClientList(Listed[ClientOut]):
    """A page of clients, in the order in which they were made."""


class Granted(Out):
    """A token for a program (RFC 6749, section 5.1)."""

    access_token: str = Field(description="The token, to be sent as `Authorization: Bearer …`.")
    token_type: Literal["Bearer"] = Field(description="How the token is sent.")
    expires_in: int = Field(description="For how many seconds the token is valid.")
    scope: str = Field(description="The scopes of the token, separated by blanks.")


class AuthorisationServer(Out):
    """Where and how programs get tokens (RFC 8414)."""

    issuer: str = Field(description="The address of this service.")
    token_endpoint: str = Field(description="The address at which tokens are given.")
    grant_types_supported: list[str] = Field(description="The grant types: `client_credentials` alone.")
    response_types_supported: list[str] = Field(description="Empty: there is no authorisation endpoint.")
    token_endpoint_auth_methods_supported: list[str] = Field(
        description="How a client shows its secret: in the header (`client_secret_basic`) or in the form "
        "(`client_secret_post`)."
    )
    scopes_supported: list[str] = Field(description="The scopes that the service knows.")
    service_documentation: str = Field(description="The address of the documentation.")
