"""Clients and their secrets, as administrators keep them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.authentication import digest, minted, only_admin
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.clients import Client, ClientSecret
from app.core.tables.courts import Court
from app.integration.clients.schemas import ClientIn, ClientList, ClientMinted, ClientOut, SecretOut

# As many live at once, so that a client can go over from one to the next without a pause.
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
    """Every client, for administrators and registrars; Forbidden for others."""
    if actor.role not in ("admin", "registrar"):
        raise Forbidden("Administrators and registrars see which programs come in.")
    found = listed(db, select(*_CLIENT), page, Sort(Client.created_at, Client.id, datetime))
    return ClientList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_client(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> ClientOut:
    """One client; NotFound for others than administrators and registrars too."""
    row = db.execute(select(*_CLIENT).where(Client.id == client_id)).one_or_none()
    if row is None or actor.role not in ("admin", "registrar"):
        raise NotFound
    return _out(db, [row])[0]


def read_minted(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> ClientMinted:
    """The client whose secret this very transaction made, with that secret."""
    secrets = db.secrets
    return ClientMinted(client_secret=secrets[client_id], **dict(read_client(db, actor, now, client_id)))


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[ClientOut]:
    theirs = select(*_SECRET).where(ClientSecret.client_id.in_([row.id for row in rows]))
    secrets: dict[UUID, list[SecretOut]] = {row.id: [] for row in rows}
    for secret in db.execute(theirs.order_by(ClientSecret.created_at, ClientSecret.id)):
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


def add_client(db: GatedSession, actor: Actor, now: datetime, given: ClientIn) -> tuple[UUID]:
    """Let a program come in; Forbidden for others than administrators, Invalid for a court that there is not."""
    only_admin(actor)
    return (write_client(db, now, given, author_of(actor, "admin")),)


def write_client(db: GatedSession, now: datetime, given: ClientIn, by: Author) -> UUID:
    """Write a client with its first secret, whoever makes it; Invalid for a court that there is not."""
    if given.court_id is not None and db.execute(select(Court.id).where(Court.id == given.court_id)).first() is None:
        raise invalid("/court_id", "unknown-court", "Name a court by its id.")
    client = Client(id=new_id(db), created_at=now, **given.model_dump())
    db.add(client)
    db.flush()
    _record(db, now, client, "client-added", "add", by, scopes=client.scopes)
    _mint(db, now, client, by)
    return client.id


def _mint(db: GatedSession, now: datetime, client: Client, by: Author) -> None:
    """Make a secret and keep it for the answer alone."""
    secret = minted(db, SECRETS)
    row = ClientSecret(id=new_id(db), client_id=client.id, sha256=digest(secret), created_at=now)
    db.add(row)
    db.flush()
    db.secrets[client.id] = secret
    _record(db, now, client, "client-secret-issued", "issue", by, secret_id=str(row.id))


def rotate_secret(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> tuple[UUID]:
    """Make another secret beside the one that is, which lives until it is revoked.

    Raises NotFound, Forbidden for others than administrators, and Conflict where two live already or the client has
    ended.
    """
    client = _locked(db, actor, now, client_id)
    only_admin(actor)
    _must_live(client)
    live = select(ClientSecret.id).where(ClientSecret.client_id == client_id, ClientSecret.revoked_at.is_(None))
    if len(db.execute(live).all()) >= MOST_SECRETS:
        raise Conflict(f"{MOST_SECRETS} secrets live already: revoke one of them first.", "two-secrets")
    _mint(db, now, client, author_of(actor, "admin"))
    return (client_id,)


def revoke_secret(db: GatedSession, actor: Actor, now: datetime, client_id: UUID, secret_id: UUID) -> tuple[UUID]:
    """End a secret and every token that was got by it, at once.

    Raises NotFound, Forbidden for others than administrators, and Conflict for one that has ended already.
    """
    client = _locked(db, actor, now, client_id)
    mine = (ClientSecret.id == secret_id, ClientSecret.client_id == client_id)
    secret = db.execute(select(ClientSecret).where(*mine)).scalar_one_or_none()
    if secret is None:
        raise NotFound
    only_admin(actor)
    if secret.revoked_at is not None:
        raise Conflict("This secret has ended already.", "already-revoked")
    secret.revoked_at = now
    by = author_of(actor, "admin")
    _record(db, now, client, "client-secret-revoked", "revoke", by, secret_id=str(secret_id))
    return (client_id,)


def disable(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> tuple[UUID]:
    """End a client for good: none of its tokens is good for anything from the next request on.

    Raises NotFound, Forbidden for others than administrators, and Conflict for one that has ended already.
    """
    client = _locked(db, actor, now, client_id)
    only_admin(actor)
    _must_live(client)
    client.disabled_at = now
    _record(db, now, client, "client-disabled", "disable", author_of(actor, "admin"))
    return (client_id,)


def _locked(db: GatedSession, actor: Actor, now: datetime, client_id: UUID) -> Client:
    read_client(db, actor, now, client_id)
    statement = select(Client).where(Client.id == client_id).with_for_update(key_share=True)
    return db.execute(statement, execution_options={"populate_existing": True}).scalar_one()


def _must_live(client: Client) -> None:
    if client.disabled_at is not None:
        raise Conflict("This client has ended; make a new one.", "already-disabled")


def _record(db: GatedSession, now: datetime, client: Client, kind: str, act: str, by: Author, **more: Any) -> None:
    payload = {"client_id": str(client.id), "court_id": str(client.court_id) if client.court_id else None, **more}
    ledger.record(db, Act(act, now, by, installation_subject(db, "registry")), kind, payload)


def add_by_operator(db: GatedSession, now: datetime, given: ClientIn) -> tuple[UUID, str]:
    """A client as the command line makes it: its id and its secret."""
    client_id = write_client(db, now, given, OPERATOR)
    secrets = db.secrets
    return client_id, secrets[client_id]
