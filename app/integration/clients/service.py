"""API clients and their secrets, managed by administrators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.authentication import digest, minted, only_admin
from app.core.access.scopes import OF_ONE_COURT
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.clients import Client, ClientSecret
from app.core.tables.courts import Court
from app.integration.clients.schemas import ClientIn, ClientList, ClientMinted, ClientOut, SecretOut

# Secrets that are valid at once: a client can change to the next one without interruption.
MOST_SECRETS = 2
SECRETS = "accord_secret."
_CLIENT = (Client.id, Client.name, Client.court_id, Client.scopes, Client.created_at, Client.disabled_at)
_SECRET = (
    ClientSecret.id,
    ClientSecret.client_id,
    ClientSecret.created_at,
    ClientSecret.used_at,
    ClientSecret.revoked_at,
)


def list_clients(db: GatedSession, actor: Actor, now: datetime, page: Page) -> ClientList:
    """List the API clients; Forbidden unless the actor is an administrator or a registrar."""
    if actor.role not in ("admin", "registrar"):
        raise Forbidden("Only administrators and registrars may list API clients.")
    listing = listed(db, select(*_CLIENT), page, Sort(Client.created_at, Client.id, datetime))
    return ClientList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_client(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> ClientOut:
    """Read one API client; NotFound also unless the actor is an administrator or a registrar."""
    row = db.execute(select(*_CLIENT).where(Client.id == client_id)).one_or_none()
    if row is None or actor.role not in ("admin", "registrar"):
        raise NotFound
    return _out(db, [row])[0]


def read_minted(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> ClientMinted:
    """Read an API client with the secret that this transaction has just made."""
    return ClientMinted(client_secret=db.secrets[client_id], **dict(read_client(db, actor, now, client_id)))


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[ClientOut]:
    of_these = select(*_SECRET).where(ClientSecret.client_id.in_([row.id for row in rows]))
    secrets: dict[UUID, list[SecretOut]] = {row.id: [] for row in rows}
    for secret in db.execute(of_these.order_by(ClientSecret.created_at, ClientSecret.id)):
        secrets[secret.client_id].append(SecretOut.model_validate(secret))
    return [
        ClientOut(
            id=row.id,
            name=row.name,
            court_id=row.court_id,
            scopes=row.scopes,
            active=row.disabled_at is None,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            secrets=secrets[row.id],
        )
        for row in rows
    ]


def add_client(db: GatedSession, actor: Actor, now: datetime, client_in: ClientIn) -> tuple[UUID]:
    """Add an API client; Forbidden unless the actor is an administrator, Invalid for an unknown court."""
    only_admin(actor)
    return (write_client(db, now, client_in, author_of(actor, "admin")),)


def write_client(db: GatedSession, now: datetime, client_in: ClientIn, author: Author) -> UUID:
    """Write an API client with its first secret; Invalid for an unknown court, or none where a scope needs one."""
    court_id = client_in.court_id
    if court_id is None and not OF_ONE_COURT.isdisjoint(client_in.scopes):
        raise invalid(
            "/court_id",
            "court-needed",
            "Name the court: a program reads referrals, and their files, of one court only.",
        )
    if court_id is not None and db.execute(select(Court.id).where(Court.id == court_id)).first() is None:
        raise invalid("/court_id", "unknown-court", "Use the id of a court that GET /v1/courts lists.")
    client = Client(id=new_id(db), created_at=now, **client_in.model_dump())
    db.add(client)
    db.flush()
    _record(db, _act(db, now, author, "add"), client, "client-added", scopes=client.scopes)
    _mint(db, now, client, author)
    return client.id


def _mint(db: GatedSession, now: datetime, client: Client, author: Author) -> None:
    """Make a secret and keep it for the answer only."""
    secret = minted(db, SECRETS)
    row = ClientSecret(id=new_id(db), client_id=client.id, sha256=digest(secret), created_at=now)
    db.add(row)
    db.flush()
    db.secrets[client.id] = secret
    _record(db, _act(db, now, author, "issue"), client, "client-secret-issued", secret_id=str(row.id))


def rotate_secret(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> tuple[UUID]:
    """Make a second secret; the first stays valid until it is revoked.

    Raises NotFound, Forbidden unless the actor is an administrator, and Conflict if two secrets are valid already or
    the client was disabled.
    """
    client = _locked(db, actor, now, client_id)
    only_admin(actor)
    _require_enabled(client)
    valid = select(ClientSecret.id).where(ClientSecret.client_id == client_id, ClientSecret.revoked_at.is_(None))
    if len(db.execute(valid).all()) >= MOST_SECRETS:
        raise Conflict(f"The client already has {MOST_SECRETS} valid secrets: revoke one of them first.", "two-secrets")
    _mint(db, now, client, author_of(actor, "admin"))
    return (client_id,)


def revoke_secret(db: GatedSession, actor: Actor, now: datetime, client_id: UUID, secret_id: UUID) -> tuple[UUID]:
    """Revoke a secret and every token that it obtained, at once.

    Raises NotFound, Forbidden unless the actor is an administrator, and Conflict for a revoked secret.
    """
    client = _locked(db, actor, now, client_id)
    of_client = (ClientSecret.id == secret_id, ClientSecret.client_id == client_id)
    secret = db.execute(select(ClientSecret).where(*of_client)).scalar_one_or_none()
    if secret is None:
        raise NotFound
    only_admin(actor)
    if secret.revoked_at is not None:
        raise Conflict("This secret is already revoked, and no longer valid. Nothing was changed.", "already-revoked")
    secret.revoked_at = now
    act = _act(db, now, author_of(actor, "admin"), "revoke")
    _record(db, act, client, "client-secret-revoked", secret_id=str(secret_id))
    return (client_id,)


def disable(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> tuple[UUID]:
    """Disable a client for good; its tokens are refused from the next request on.

    Raises NotFound, Forbidden unless the actor is an administrator, and Conflict for a disabled client.
    """
    client = _locked(db, actor, now, client_id)
    only_admin(actor)
    _require_enabled(client)
    client.disabled_at = now
    _record(db, _act(db, now, author_of(actor, "admin"), "disable"), client, "client-disabled")
    return (client_id,)


def _locked(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> Client:
    read_client(db, actor, now, client_id)
    statement = select(Client).where(Client.id == client_id).with_for_update(key_share=True)
    return db.execute(statement, execution_options={"populate_existing": True}).scalar_one()


def _require_enabled(client: Client) -> None:
    if client.disabled_at is not None:
        raise Conflict("This client is disabled; add a new one.", "already-disabled")


def _act(db: GatedSession, now: datetime, author: Author, name: str) -> Act:
    return Act(name, now, author, installation_subject(db, "registry"))


def _record(db: GatedSession, act: Act, client: Client, kind: str, **more: Any) -> None:
    payload = {"client_id": str(client.id), "court_id": str(client.court_id) if client.court_id else None, **more}
    ledger.record(db, act, kind, payload)


def add_by_operator(db: GatedSession, now: datetime, client_in: ClientIn) -> tuple[UUID, str]:
    """Add a client from the command line; return its id and its secret."""
    client_id = write_client(db, now, client_in, OPERATOR)
    return client_id, db.secrets[client_id]
