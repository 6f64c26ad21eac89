"""The grant of client credentials (RFC 6749, section 4.4): a secret in, a token for fifteen minutes out."""

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
_KNOWN = {"grant_type", "client_id", "client_secret", "scope", "resource", "audience"}
# One text for whatever was wrong with who asks: a guess learns nothing from it.
_NOBODY = "The client is not known, its secret is not valid, or it has ended."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client sent to get a token; `scopes` are None where it named none."""

    client_id: str
    secret: str
    scopes: frozenset[str] | None


def read_request(form: bytes, media_type: str, shown: Sequence[str], ours: frozenset[str]) -> Asked:
    """What a request for a token says.

    `shown` are its headers `Authorization`, `ours` the names of this service as the resource that the token is for.

    Raises GrantRefused for a request that OAuth does not know, or a token that is to be for somebody else.
    """
    given = _parameters(form, media_type)
    client_id, secret = _credentials(given, shown)
    grant = given.get("grant_type")
    if grant is None:
        raise GrantRefused("invalid_request", "Say grant_type=client_credentials.")
    if grant != GRANT:
        raise GrantRefused("unsupported_grant_type", "Tokens are given for grant_type=client_credentials only.")
    for name in ("resource", "audience"):
        if name in given and given[name].rstrip("/") not in ours:
            raise GrantRefused("invalid_target", f"Tokens are for this service alone; leave '{name}' out.")
    wanted = given.get("scope", "").split()
    return Asked(client_id, secret, frozenset(wanted) if wanted else None)


def _parameters(form: bytes, media_type: str) -> dict[str, str]:
    if media_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise GrantRefused("invalid_request", "Send the request as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as problem:
        raise GrantRefused("invalid_request", "The form cannot be read.") from problem
    # Unknown parameters are passed over, and empty ones count as left out (RFC 6749, section 3.2).
    told = [(name, value) for name, value in pairs if name in _KNOWN and value]
    if len(told) != len(dict(told)):
        raise GrantRefused("invalid_request", "A parameter stands there twice.")
    return dict(told)


def _credentials(given: dict[str, str], shown: Sequence[str]) -> tuple[str, str]:
    if not shown:
        if "client_id" not in given or "client_secret" not in given:
            raise GrantRefused("invalid_client", _NOBODY)
        return given["client_id"], given["client_secret"]
    if "client_secret" in given or len(shown) > 1:
        raise GrantRefused("invalid_request", "Send the secret once: in the header or in the form.")
    scheme, _blank, coded = shown[0].partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client_id, _colon, secret = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error) as problem:
        raise GrantRefused("invalid_client", _NOBODY) from problem
    if given.get("client_id", client_id) != client_id:
        raise GrantRefused("invalid_request", "The header and the form name different clients.")
    return client_id, secret


def grant(db: GatedSession, now: datetime, asked: Asked) -> tuple[UUID, Granted]:
    """The client that shows a live secret, and a token for it.

    Raises GrantRefused for one that shows none, or asks for a scope that it does not have.
    """
    found = _client(db, asked)
    scopes = sorted(found.scopes if asked.scopes is None else asked.scopes)
    if not set(scopes) <= set(found.scopes):
        raise GrantRefused("invalid_scope", "The client does not have each of these scopes.")
    old = delete(AccessToken).where(AccessToken.secret_id == found.secret_id, AccessToken.expires_at <= now)
    used = update(ClientSecret).where(ClientSecret.id == found.secret_id).values(used_at=now)
    for statement in (used, old):
        db.execute(statement.execution_options(synchronize_session=False))
    token = write_token(db, now, found.secret_id, scopes, TOKEN_LIFE)
    seconds = int(TOKEN_LIFE.total_seconds())
    given = {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": " ".join(scopes)}
    return found.id, Granted.model_validate(given)


def write_token(db: GatedSession, now: datetime, secret_id: UUID, scopes: list[str], life: timedelta) -> str:
    """Write a token that a secret gets, and show it this once."""
    token = minted(db, PROGRAMS)
    row = {"secret_id": secret_id, "scopes": scopes, "issued_at": now, "expires_at": now + life}
    db.execute(insert(AccessToken).values(id=new_id(db), sha256=digest(token), **row))
    return token


def _client(db: GatedSession, asked: Asked) -> Any:
    try:
        client_id = UUID(asked.client_id)
    except ValueError as problem:
        raise GrantRefused("invalid_client", _NOBODY) from problem
    statement = select(Client.id, Client.scopes, ClientSecret.id.label("secret_id")).join(
        ClientSecret, ClientSecret.client_id == Client.id
    )
    # Compared as hashes, by the database: no text of the caller's is compared with a secret.
    live = (ClientSecret.sha256 == digest(asked.secret), ClientSecret.revoked_at.is_(None))
    found = db.execute(statement.where(Client.id == client_id, Client.disabled_at.is_(None), *live)).one_or_none()
    if found is None:
        raise GrantRefused("invalid_client", _NOBODY)
    return found
