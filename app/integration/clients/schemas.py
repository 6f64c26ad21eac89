"""Clients, their secrets, and what the token endpoint answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.core.access.scopes import SCOPES
from app.core.values import In, Line, Listed, Out


def _known(names: list[str]) -> list[str]:
    if len(names) != len(set(names)):
        raise PydanticCustomError("repeated", "Name each only once.")
    if set(names) - set(SCOPES):
        raise PydanticCustomError("scope", "Choose among these scopes: {known}.", {"known": ", ".join(SCOPES)})
    return sorted(names)


Scopes = Annotated[
    list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=20), AfterValidator(_known)
]


class ClientIn(In):
    """A program that is to come in: a court's, or without a court the institution's own."""

    name: Line
    court_id: UUID | None = None
    scopes: Scopes


class SecretOut(Out):
    """A secret of a client, without the secret itself; `used_at` is when it last got a token."""

    id: UUID
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class ClientOut(Out):
    """A client and its secrets; its `id` is the `client_id` of OAuth."""

    id: UUID
    name: str
    court_id: UUID | None
    scopes: list[str]
    active: bool
    created_at: datetime
    disabled_at: datetime | None
    secrets: list[SecretOut]


class ClientMinted(ClientOut):
    """A client with its newest secret, which is shown this once."""

    client_secret: str


class ClientList(Listed[ClientOut]):
    """A page of clients, in the order in which they were made."""


class Granted(Out):
    """A token (RFC 6749, section 5.1): `expires_in` are seconds, `scope` its scopes with blanks between them."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class AuthorisationServer(Out):
    """Where tokens are got, and how (RFC 8414)."""

    issuer: str
    token_endpoint: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    scopes_supported: list[str]
    service_documentation: str
