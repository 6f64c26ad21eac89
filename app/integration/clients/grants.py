"""The client credentials grant (RFC 6749, section 4.4): exchanges a secret for a token of fifteen minutes."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from app.core.access.authentication import PROGRAMS, digest, minted
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import GrantRefused
from app.core.tables.clients import AccessToken, Client, ClientSecret
from app.integration.clients.schemas import Granted

TOKEN_LIFE = timedelta(minutes=15)
GRANT = "client_credentials"
# Anybody may send a form: a longer one is not parsed.
_MOST_BYTES = 16_384
_KNOWN = {"grant_type", "client_id", "client_secret", "scope", "resource", "audience"}
# One text for all these faults, so that an attacker learns nothing from it.
_INVALID_CLIENT = "The client is unknown or disabled, or its secret is not valid: check client_id and client_secret."


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A client's request for a token; `scopes` are None if it named none."""

    client_id: str
    secret: str
    scopes: frozenset[str] | None


def read_request(
    form: bytes, media_type: str, authorizations: Sequence[str], own_names: frozenset[str]
) -> TokenRequest:
    """Parse a request for a token.

    `authorizations` are its `Authorization` headers, `own_names` the names of this service as a token's resource.

    Raises GrantRefused for a malformed request, or a token for another resource.
    """
    form_fields = _parameters(form, media_type)
    client_id, secret = _credentials(form_fields, authorizations)
    grant = form_fields.get("grant_type")
    if grant is None:
        raise GrantRefused("invalid_request", "The grant type is missing: send grant_type=client_credentials.")
    if grant != GRANT:
        raise GrantRefused("unsupported_grant_type", "Only grant_type=client_credentials is supported.")
    for name in ("resource", "audience"):
        if name in form_fields and form_fields[name].rstrip("/") not in own_names:
            raise GrantRefused("invalid_target", f"Tokens are valid for this service only: omit '{name}'.")
    scopes = form_fields.get("scope", "").split()
    return TokenRequest(client_id, secret, frozenset(scopes) if scopes else None)


def _parameters(form: bytes, media_type: str) -> dict[str, str]:
    if media_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise GrantRefused("invalid_request", "Send the request as application/x-www-form-urlencoded.")
    if len(form) > _MOST_BYTES:
        raise GrantRefused("invalid_request", f"The form is too long: send at most {_MOST_BYTES} bytes.")
    try:
        pairs = parse_qsl(form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as problem:
        raise GrantRefused(
            "invalid_request", "The form cannot be parsed: encode it as application/x-www-form-urlencoded in ASCII."
        ) from problem
    # Unknown parameters are ignored, and empty ones count as omitted (RFC 6749, section 3.2).
    named = [(name, value) for name, value in pairs if name in _KNOWN and value]
    if len(named) != len(dict(named)):
        raise GrantRefused("invalid_request", "A parameter occurs twice: send each once.")
    return dict(named)


def _credentials(form_fields: dict[str, str], authorizations: Sequence[str]) -> tuple[str, str]:
    if not authorizations:
        if "client_id" not in form_fields or "client_secret" not in form_fields:
            raise GrantRefused("invalid_client", _INVALID_CLIENT)
        return form_fields["client_id"], form_fields["client_secret"]
    if "client_secret" in form_fields or len(authorizations) > 1:
        raise GrantRefused("invalid_request", "The secret was sent twice: send it in the header or in the form.")
    scheme, _blank, coded = authorizations[0].partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client_id, _colon, secret = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error) as problem:
        raise GrantRefused("invalid_client", _INVALID_CLIENT) from problem
    if form_fields.get("client_id", client_id) != client_id:
        raise GrantRefused("invalid_request", "The header and the form name different clients: send one client_id.")
    return client_id, secret


def grant(db: GatedSession, now: datetime, request: TokenRequest) -> tuple[UUID, Granted]:
    """Grant a token to the client that a valid secret identifies; return the client's id and the token.

    Raises GrantRefused for an invalid secret, or a scope that the client does not have.
    """
    client = _client(db, request)
    scopes = sorted(client.scopes if request.scopes is None else request.scopes)
    if missing := set(scopes) - set(client.scopes):
        raise GrantRefused(
            "invalid_scope",
            f"The client does not have these scopes: {', '.join(sorted(missing))}. Leave 'scope' out for all it has.",
        )
    old = delete(AccessToken).where(AccessToken.secret_id == client.secret_id, AccessToken.expires_at <= now)
    used = update(ClientSecret).where(ClientSecret.id == client.secret_id).values(used_at=now)
    for statement in (used, old):
        db.execute(statement.execution_options(synchronize_session=False))
    token = write_access_token(db, now, client.secret_id, scopes, TOKEN_LIFE)
    seconds = int(TOKEN_LIFE.total_seconds())
    granted = {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": " ".join(scopes)}
    return client.id, Granted.model_validate(granted)


def write_access_token(db: GatedSession, now: datetime, secret_id: UUID, scopes: list[str], life: timedelta) -> str:
    """Write a token for a secret and return it; it cannot be read again."""
    token = minted(db, PROGRAMS)
    row = {"secret_id": secret_id, "scopes": scopes, "issued_at": now, "expires_at": now + life}
    db.execute(insert(AccessToken).values(id=new_id(db), sha256=digest(token), **row))
    return token


def _client(db: GatedSession, request: TokenRequest) -> Any:
    try:
        client_id = UUID(request.client_id)
    except ValueError as problem:
        raise GrantRefused("invalid_client", _INVALID_CLIENT) from problem
    statement = select(Client.id, Client.scopes, ClientSecret.id.label("secret_id")).join(
        ClientSecret, ClientSecret.client_id == Client.id
    )
    # The database compares hashes: no text of the caller's is compared with a secret.
    valid = (ClientSecret.sha256 == digest(request.secret), ClientSecret.revoked_at.is_(None))
    client = db.execute(statement.where(Client.id == client_id, Client.disabled_at.is_(None), *valid)).one_or_none()
    if client is None:
        raise GrantRefused("invalid_client", _INVALID_CLIENT)
    return client
